use std::time::{Duration, UNIX_EPOCH};

use super::super::tests::expect_placeholders_to_match;
use super::*;
use crate::item::Layout;
use crate::item::expiry::ExpiryAttributes;

#[test]
fn every_placeholder_that_is_declared_is_used_and_the_other_way_round() {
    let all = [
        Wanted::Live,
        Wanted::LiveCount,
        Wanted::Sealed,
        Wanted::Replaced,
        Wanted::Keys,
        Wanted::ExpiredKeys,
    ];
    let two = ExpiryAttributes::expires_and_ttl();
    for (wanted, expiry) in all
        .into_iter()
        .flat_map(|wanted| [ExpiryAttributes::EXPIRES, &two].map(|expiry| (wanted, expiry)))
    {
        for layout in [Layout::Session, Layout::DynamodbStore] {
            for too_old in [None, Some(UNIX_EPOCH)] {
                for prefix in ["", "p"] {
                    let names = Names {
                        table: "sessions",
                        partition_key: "sessionId",
                        expiry,
                        layout,
                        seen_secs: None,
                    };
                    let page = ScanPage {
                        wanted,
                        prefix,
                        moment: Moment {
                            now: UNIX_EPOCH + Duration::from_secs(1),
                            too_old,
                        },
                        now: UNIX_EPOCH + Duration::from_secs(2),
                        consistent_read: true,
                        after: Some("key"),
                    };
                    let body = serde_json::from_slice(&scan(names, page)).unwrap();
                    expect_placeholders_to_match(&body);
                }
            }
        }
    }
}
