//! `reencrypt`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use dynamodb_session::{ReencryptOptions, Reencryption};
use serde::Serialize;

use crate::cli::ReencryptArgs;
use crate::connection::Kept;
use crate::exit::{Exit, Failure};
use crate::{connection, keys, output, progress};

pub(crate) async fn run(args: &ReencryptArgs) -> Result<(), Failure> {
    let Some(encryption) = keys::encryption(&args.keys)? else {
        let message = "no keys: sessions can neither be opened nor encrypted";
        return Err(
            Failure::new(Exit::Usage, message).hint("give --key-file, or --kms-key for AWS KMS")
        );
    };
    let kept = Kept {
        prefix: &args.ids.prefix,
        layout: args.layout.layout,
        encryption: Some(encryption.mode(args.mode).pad(args.pad)),
        compress: args.compress,
        ..Kept::default()
    };
    let so_far = Mutex::new(Reencryption::default());
    let report = |counts: &Reencryption| so_far.lock().expect(NO_PANIC).clone_from(counts);
    let options = ReencryptOptions::default()
        .dry_run(args.dry_run)
        .on_page(&report);
    let activity = || {
        let counts = so_far.lock().expect(NO_PANIC);
        let done = if args.dry_run {
            "to rewrite"
        } else {
            "rewritten"
        };
        let (sessions, rewritten) = (counts.sessions, counts.rewritten);
        format!("Looking at sessions: {sessions} so far, {rewritten} {done}")
    };
    let done = progress::shown_by(activity, async {
        let store = connection::store_of_table(&args.connection, &args.table, kept);
        Ok::<_, Failure>(store.await?.reencrypt(&options).await?)
    })
    .await?;
    if args.output.json {
        return output::json(&ReencryptedJson::of(&done, args.dry_run));
    }
    output::line(&text(&done, args.dry_run))
}

const NO_PANIC: &str = "what holds the lock does not panic";

fn text(done: &Reencryption, is_dry_run: bool) -> String {
    let rewritten = if is_dry_run {
        "To rewrite"
    } else {
        "Rewritten"
    };
    let mut rows = vec![
        ("Sessions".to_owned(), done.sessions.to_string()),
        (rewritten.to_owned(), done.rewritten.to_string()),
        ("Right already".to_owned(), done.right.to_string()),
    ];
    for (name, count, reason) in [
        (
            "Unreadable",
            done.unreadable,
            "they do not open, hold no session, or are plain where those are refused",
        ),
        (
            "Skipped",
            done.skipped,
            "only the application can write them: no expiry, bytes of another package, or too large",
        ),
        ("Ended", done.ended, "expired or signed out meanwhile"),
    ] {
        if count > 0 {
            rows.push((name.to_owned(), format!("{count} ({reason})")));
        }
    }
    for (id, count) in &done.keys {
        // The secret for the keys of users' items can be among them.
        let needs = output::counted(*count, "item needs it", "items need it");
        rows.push((format!("Key {id}"), needs));
    }
    let plain = output::counted(
        done.plain,
        "session is not encrypted",
        "sessions are not encrypted",
    );
    rows.push(("Plain".to_owned(), plain));
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, value)| (&**name, value.clone()))
        .collect();
    output::columns(&rows)
}

#[derive(Serialize)]
struct ReencryptedJson<'a> {
    dry_run: bool,
    sessions: u64,
    rewritten: u64,
    right: u64,
    unreadable: u64,
    skipped: u64,
    ended: u64,
    /// How many items need each key then.
    keys: &'a BTreeMap<String, u64>,
    plain: u64,
}

impl<'a> ReencryptedJson<'a> {
    fn of(done: &'a Reencryption, dry_run: bool) -> Self {
        Self {
            dry_run,
            sessions: done.sessions,
            rewritten: done.rewritten,
            right: done.right,
            unreadable: done.unreadable,
            skipped: done.skipped,
            ended: done.ended,
            keys: &done.keys,
            plain: done.plain,
        }
    }
}
