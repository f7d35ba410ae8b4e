//! Calls of the store, with data in either form.

use super::*;

/// How a session's data come to the store.
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
            Self::Attribute(_) => panic!("nobody stores what JSON cannot express here"),
        }
    }
}

/// What a call came to: the answer, and what the caller has then.
pub(super) struct Outcome<D> {
    pub(super) answer: Answer,
    pub(super) record: Option<dynamodb_session::Loaded<D>>,
}

/// The call, with everything it needs in it.
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
        let guarded = || {
            base.clone()
                .expect("only what was loaded is written with a guard")
        };
        let expires_at = session.expires_at.expect("every session here has one");
        let (until, touch_until) = (
            SaveOptions::default().expires_at(expires_at),
            TouchOptions::default().expires_at(expires_at),
        );
        let written = |result: Result<SaveOutcome, Error>, data: D| match result {
            Ok(SaveOutcome::Saved(stamp)) => known(
                Answer::Written(self::stamp(stamp)),
                &session.id,
                data,
                stamp,
            ),
            Ok(SaveOutcome::Gone) => unknown(Answer::Gone),
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
                Ok(None) => unknown(Answer::Loaded(None)),
                Err(error) => failed(&error),
            },
            Verb::Create => match store.create(&session).await {
                Ok(CreateOutcome::Created(stamp)) => known(
                    Answer::Created(self::stamp(stamp)),
                    &session.id,
                    data,
                    stamp,
                ),
                Ok(CreateOutcome::Taken) => unknown(Answer::Taken),
                Err(error) => failed(&error),
            },
            Verb::Put => match store.put(&session).await {
                Ok(stamp) => known(Answer::Put(self::stamp(stamp)), &session.id, data, stamp),
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
                // What else it changed in memory is not written yet.
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
                // Another package's row it still is.
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
                Ok(()) => unknown(Answer::Deleted),
                Err(error) => failed(&error),
            },
        }
    })
}

pub(super) fn known<D>(answer: Answer, id: &SessionId, data: D, stamp: Stamp) -> Outcome<D> {
    let loaded = dynamodb_session::Loaded::new(id.clone(), data);
    Outcome {
        answer,
        record: Some(loaded.with_stamp(stamp)),
    }
}

pub(super) fn unknown<D>(answer: Answer) -> Outcome<D> {
    Outcome {
        answer,
        record: None,
    }
}

pub(super) fn failed<D>(error: &Error) -> Outcome<D> {
    unknown(Answer::Failed(format!("{:?}: {error}", error.kind())))
}
