//! Calls of the store, with session data as text or as values.

use super::*;

/// The form in which session data are passed to the store.
pub(in crate::model) trait Form:
    EncodeSession + DecodeSession + Clone + Send + Sync + 'static
{
    fn of(data: &Data) -> Self;
    fn data(&self) -> Data;
}

impl Form for Value {
    fn of(data: &Data) -> Self {
        json!(data)
    }

    fn data(&self) -> Data {
        serde_json::from_value(self.clone()).unwrap()
    }
}

impl Form for SessionText {
    fn of(data: &Data) -> Self {
        Self::Json(json!(data).to_string())
    }

    fn data(&self) -> Data {
        match self {
            Self::Json(text) => serde_json::from_str(text).unwrap(),
            Self::Attribute(_) => panic!("the model only stores JSON"),
        }
    }
}

/// The outcome of a call: the answer, and the session that the caller has afterwards.
pub(super) struct Outcome<D> {
    pub(super) answer: Answer,
    pub(super) record: Option<dynamodb_session::Loaded<D>>,
}

/// Starts a call. The future owns everything that it needs.
pub(super) fn begin<D: Form>(
    store: SessionStore,
    verb: Verb,
    session: NewSession<D>,
    base: Option<dynamodb_session::Loaded<D>>,
    has_unit: bool,
) -> Call<D> {
    let fields = if has_unit {
        WITH_UNIT.clone()
    } else {
        Framework::new()
    };
    Box::pin(async move {
        let guarded = || base.clone().expect("these verbs need a loaded session");
        let expires_at = session
            .expires_at
            .expect("every session of the model has an expiry");
        let (until, touch_until) = (
            SaveOptions::default().expires_at(expires_at),
            TouchOptions::default().expires_at(expires_at),
        );
        let written = |result: Result<SaveOutcome, Error>, data: D| match result {
            Ok(SaveOutcome::Saved(stamp)) => with_session(
                Answer::Written(self::stamp(stamp)),
                &session.id,
                data,
                stamp,
            ),
            Ok(SaveOutcome::Gone) => without_session(Answer::Gone),
            Err(error) => failed(&error),
        };
        let data = session.data.clone();
        match verb {
            Verb::Load => match store.load::<D>(&session.id).await {
                Ok(Some(record)) => Outcome {
                    answer: Answer::Loaded(Some(Row {
                        data: Some(record.data.data()),
                        expires: record.expires_at.map(|at| ms(at) / 1000),
                        created: record.created.map(ms),
                    })),
                    record: Some(record),
                },
                Ok(None) => without_session(Answer::Loaded(None)),
                Err(error) => failed(&error),
            },
            Verb::Create => match store.create(&session).await {
                Ok(CreateOutcome::Created(stamp)) => with_session(
                    Answer::Created(self::stamp(stamp)),
                    &session.id,
                    data,
                    stamp,
                ),
                Ok(CreateOutcome::Taken) => without_session(Answer::Taken),
                Err(error) => failed(&error),
            },
            Verb::Put => match store.put(&session).await {
                Ok(stamp) => {
                    with_session(Answer::Put(self::stamp(stamp)), &session.id, data, stamp)
                }
                Err(error) => failed(&error),
            },
            Verb::Save if has_unit => written(
                store
                    .save(&guarded(), &session.data, &until.framework(&fields))
                    .await,
                data,
            ),
            Verb::Save => written(store.save(&guarded(), &session.data, &until).await, data),
            Verb::Replace => {
                let base = Base::unknown(&session.id, guarded().created);
                written(store.save(base, &session.data, &until).await, data)
            }
            Verb::Touch if has_unit => {
                let base = guarded();
                let touched = store
                    .touch(&base, &touch_until.framework(&fields, &session.data))
                    .await;
                // Other changes in memory have not been written yet.
                let (mut data, unit) = (base.data.data(), session.data.data());
                data.extend(
                    unit.into_iter()
                        .filter(|(name, _)| EXPIRY_UNIT.contains(&name.as_str())),
                );
                written(touched, D::of(&data))
            }
            Verb::Touch => {
                let base = guarded();
                let mut touched =
                    written(store.touch(&base, &touch_until).await, base.data.clone());
                // The item still has the layout of another package.
                if let Some(record) = &mut touched.record {
                    record.is_foreign = base.is_foreign;
                }
                touched
            }
            Verb::CreateOrMerge => {
                let (base, options) = (Base::absent(&session.id), until.framework(&fields));
                written(store.save(base, &session.data, &options).await, data)
            }
            Verb::Delete => match store.delete(&session.id).await {
                Ok(()) => without_session(Answer::Deleted),
                Err(error) => failed(&error),
            },
        }
    })
}

pub(super) fn with_session<D>(answer: Answer, id: &SessionId, data: D, stamp: Stamp) -> Outcome<D> {
    let loaded = dynamodb_session::Loaded::new(id.clone(), data);
    Outcome {
        answer,
        record: Some(loaded.with_stamp(stamp)),
    }
}

pub(super) fn without_session<D>(answer: Answer) -> Outcome<D> {
    Outcome {
        answer,
        record: None,
    }
}

pub(super) fn failed<D>(error: &Error) -> Outcome<D> {
    without_session(Answer::Failed(format!("{:?}: {error}", error.kind())))
}
