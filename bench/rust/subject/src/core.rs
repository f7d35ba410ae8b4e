//! The core of this project.

use std::time::{Duration, SystemTime};

use dynamodb_session::{Record, SessionId, SessionStore};

use crate::session::{self, ID, Session};
use crate::{Place, Result, Subject};

pub struct Core {
    store: SessionStore,
    id: SessionId,
    session: Session,
    expires_at: SystemTime,
}

pub struct Lane {
    record: Record<Session>,
    changed: Session,
}

impl Subject for Core {
    type Session = Session;
    type Lane = Lane;

    async fn open(place: &Place) -> Result<Self> {
        let store = SessionStore::builder()
            .region("local")
            .endpoint_url(&place.endpoint)
            .table_name(&place.table)
            .build()?;
        Ok(Self {
            expires_at: store.now() + Duration::from_hours(24),
            store,
            id: SessionId::new(ID)?,
            session: session::read(&place.session)?,
        })
    }

    async fn lane(&self) -> Result<Lane> {
        let session = self.session.clone();
        Ok(Lane {
            record: Record::new(self.id.clone(), session.clone(), self.expires_at),
            changed: session,
        })
    }

    async fn get(&self) -> Result<Option<Session>> {
        let record = self.store.load(&self.id).await?;
        Ok(record.map(|record| record.data))
    }

    async fn put(&self, lane: &mut Lane) -> Result {
        self.store.put(&lane.record).await?;
        Ok(())
    }

    async fn save(&self, lane: &mut Lane) -> Result {
        lane.changed.views += 1;
        let saved = self
            .store
            .save(&lane.record, &lane.changed, self.expires_at);
        if saved.await?.is_written() {
            Ok(())
        } else {
            Err("the session has gone".into())
        }
    }

    async fn destroy(&self) -> Result {
        Ok(self.store.delete(&self.id).await?)
    }
}
