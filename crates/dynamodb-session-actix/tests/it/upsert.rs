//! A store in memory that creates a session again if it is gone, as the Redis store of actix-session does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration;

type State = HashMap<String, String>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Upserting(Arc<Mutex<HashMap<String, State>>>);

impl SessionStore for Upserting {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        Ok(self.0.lock().unwrap().get(key.as_ref()).cloned())
    }

    async fn save(&self, state: State, _: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        self.0
            .lock()
            .unwrap()
            .insert(key.as_ref().to_owned(), state);
        Ok(key)
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        if let Some(there) = self.0.lock().unwrap().get_mut(key.as_ref()) {
            *there = state;
            return Ok(key);
        }
        // Creates it again, under a new key.
        Ok(self.save(state, ttl).await.unwrap())
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> anyhow::Result<()> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.0.lock().unwrap().remove(key.as_ref());
        Ok(())
    }
}
