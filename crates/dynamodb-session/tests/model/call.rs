//! Calls of the store, with session data as text or as values.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use dynamodb_session::framework::Framework;
use dynamodb_session::{
    Base, CreateOutcome, DecodeSession, EncodeSession, Error, Loaded, NewSession, SaveOptions,
    SaveOutcome, SessionStore, SessionText, Stamp, TouchOptions,
};
use serde_json::{Value, json};

use super::monitor::{Data, EXPIRY_UNIT, Verb, of_json};
use super::run::WITH_UNIT;

/// The form in which session data are passed to the store.
pub(super) trait Form:
    EncodeSession + DecodeSession + Clone + Send + Sync + 'static
{
    fn of(data: &BTreeMap<String, Value>) -> Self;

    fn json(&self) -> Value;

    fn fields(&self) -> Data {
        of_json(&self.json())
    }
}

impl Form for Value {
    fn of(data: &BTreeMap<String, Value>) -> Self {
        json!(data)
    }

    fn json(&self) -> Value {
        self.clone()
    }
}

impl Form for SessionText {
    fn of(data: &BTreeMap<String, Value>) -> Self {
        Self::Json(json!(data).to_string())
    }

    fn json(&self) -> Value {
        match self {
            Self::Json(text) => serde_json::from_str(text).unwrap(),
            Self::Attribute(_) => panic!("the model only stores JSON"),
        }
    }
}

pub(super) type Call<D> = Pin<Box<dyn Future<Output = Outcome<D>>>>;

/// What a call returns.
pub(super) enum Outcome<D> {
    Found(Option<Loaded<D>>),
    /// The session that the caller has afterwards.
    Stored(Loaded<D>),
    /// `Gone`, or `Taken`.
    Refused,
    Deleted,
    Failed(Error),
}

impl<D> Outcome<D> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Found(Some(_)) => "loaded",
            Self::Found(None) => "missed",
            Self::Stored(_) => "written",
            Self::Refused => "refused",
            Self::Deleted => "deleted",
            Self::Failed(_) => "failed",
        }
    }
}

impl<D> fmt::Display for Outcome<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Stored(loaded) => write!(f, " {loaded:?}"),
            Self::Failed(error) => write!(f, ": {:?}, {error}", error.kind()),
            _ => Ok(()),
        }
    }
}

/// Starts a call. The future owns everything that it needs.
pub(super) fn begin<D: Form>(
    store: SessionStore,
    verb: Verb,
    session: NewSession<D>,
    loaded: Option<Loaded<D>>,
    has_unit: bool,
) -> Call<D> {
    Box::pin(async move {
        let made = make(&store, verb, &session, loaded, has_unit);
        made.await.unwrap_or_else(Outcome::Failed)
    })
}

async fn make<D: Form>(
    store: &SessionStore,
    verb: Verb,
    session: &NewSession<D>,
    loaded: Option<Loaded<D>>,
    has_unit: bool,
) -> Result<Outcome<D>, Error> {
    let plain = Framework::new();
    let framework = if has_unit { &*WITH_UNIT } else { &plain };
    let expires_at = session
        .expires_at
        .expect("every session of the model has an expiry");
    let options = SaveOptions::default()
        .expires_at(expires_at)
        .framework(framework);
    let stored = |data: D, stamp: Stamp| {
        Outcome::Stored(Loaded::new(session.id.clone(), data).with_stamp(stamp))
    };
    let saved = |outcome: SaveOutcome, data: D| match outcome {
        SaveOutcome::Saved(stamp) => stored(data, stamp),
        SaveOutcome::Gone => Outcome::Refused,
    };
    let data = session.data.clone();
    let base = || loaded.clone().expect("these verbs need a loaded session");
    Ok(match verb {
        Verb::Load => Outcome::Found(store.load::<D>(&session.id).await?),
        Verb::Create => match store.create(session).await? {
            CreateOutcome::Created(stamp) => stored(data, stamp),
            CreateOutcome::Taken | CreateOutcome::Revoked => Outcome::Refused,
        },
        Verb::Put => stored(data, store.put(session).await?),
        Verb::Save => saved(store.save(&base(), &session.data, &options).await?, data),
        Verb::CreateOrMerge => {
            let base = Base::absent(&session.id);
            saved(store.save(base, &session.data, &options).await?, data)
        }
        Verb::Touch => {
            let base = base();
            let options = TouchOptions::default().expires_at(expires_at);
            let touched = if has_unit {
                let options = options.framework(framework, &session.data);
                store.touch(&base, &options).await?
            } else {
                store.touch(&base, &options).await?
            };
            // Other changes in memory have not been written yet.
            let mut fields: BTreeMap<String, Value> =
                serde_json::from_value(base.data.json()).unwrap();
            if let Value::Object(unit) = session.data.json() {
                let unit = unit.into_iter();
                fields.extend(unit.filter(|(name, _)| has_unit && EXPIRY_UNIT.contains(&&**name)));
            }
            let mut touched = saved(touched, D::of(&fields));
            if let Outcome::Stored(after) = &mut touched {
                // The item still has the layout of another package.
                after.is_foreign = base.is_foreign;
            }
            touched
        }
        Verb::Delete => {
            store.delete(&base()).await?;
            Outcome::Deleted
        }
        Verb::DeleteId => {
            store.delete(&session.id).await?;
            Outcome::Deleted
        }
    })
}
