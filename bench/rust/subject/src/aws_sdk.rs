//! A minimal store on the AWS SDK for Rust.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::session::{self, ID, Session};
use crate::{Place, Result, Subject};

pub const KEY: &str = "sessionId";
const EXPIRES: &str = "4102444800"; // 2100-01-01

pub struct AwsSdk {
    client: Client,
    table: String,
    session: Session,
}

/// The client of an application: built once, with the defaults of the SDK.
pub fn client(place: &Place) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(&place.endpoint)
        .credentials_provider(Credentials::new(
            "dummyKey", "dummyKey", None, None, "bench",
        ))
        .build();
    Client::from_conf(config)
}

impl Subject for AwsSdk {
    type Session = Session;
    type Lane = ();

    async fn open(place: &Place) -> Result<Self> {
        Ok(Self {
            client: client(place),
            table: place.table.clone(),
            session: session::read(&place.session)?,
        })
    }

    async fn lane(&self) -> Result<()> {
        Ok(())
    }

    async fn get(&self) -> Result<Option<Session>> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(KEY, AttributeValue::S(ID.to_owned()))
            .consistent_read(true)
            .send()
            .await?;
        let session = output.item.and_then(|mut item| item.remove("session"));
        Ok(session
            .map(serde_dynamo::from_attribute_value)
            .transpose()?)
    }

    async fn put(&self, (): &mut ()) -> Result {
        let item = HashMap::from([
            (KEY.to_owned(), AttributeValue::S(ID.to_owned())),
            ("expires".to_owned(), AttributeValue::N(EXPIRES.to_owned())),
            (
                "session".to_owned(),
                serde_dynamo::to_attribute_value(&self.session)?,
            ),
        ]);
        let put = self.client.put_item().table_name(&self.table);
        put.set_item(Some(item)).send().await?;
        Ok(())
    }

    async fn destroy(&self) -> Result {
        let delete = self.client.delete_item().table_name(&self.table);
        let key = AttributeValue::S(ID.to_owned());
        delete.key(KEY, key).send().await?;
        Ok(())
    }
}
