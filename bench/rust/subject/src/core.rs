//! The core of this project.

use std::time::{Duration, SystemTime};

use dynamodb_session::{Loaded, NewSession, SaveOptions, SessionId, SessionStore};

use crate::session::{self, ID, Session};
use crate::{Place, Result, Subject};

pub struct Core {
    store: SessionStore,
    id: SessionId,
    session: Session,
    expires_at: SystemTime,
}

pub struct Lane {
    loaded: Loaded<Session>,
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
        // With the state of the item, as in an application: a save without it would read the item first.
        let stored = self.store.load::<Session>(&self.id).await?;
        let loaded =
            stored.unwrap_or_else(|| Loaded::new(self.id.clone(), self.session.clone()));
        Ok(Lane {
            changed: loaded.data.clone(),
            loaded,
        })
    }

    async fn get(&self) -> Result<Option<Session>> {
        let loaded = self.store.load(&self.id).await?;
        Ok(loaded.map(|loaded: Loaded<Session>| loaded.data))
    }

    async fn put(&self, lane: &mut Lane) -> Result {
        let session = NewSession::new(self.id.clone(), &lane.changed).expires_at(self.expires_at);
        self.store.put(&session).await?;
        Ok(())
    }

    async fn save(&self, lane: &mut Lane) -> Result {
        lane.changed.views += 1;
        let options = SaveOptions::default().expires_at(self.expires_at);
        let saved = self.store.save(&lane.loaded, &lane.changed, &options);
        if saved.await?.is_saved() {
            Ok(())
        } else {
            Err("the session has gone".into())
        }
    }

    async fn destroy(&self) -> Result {
        Ok(self.store.delete(&self.id).await?)
    }
}
