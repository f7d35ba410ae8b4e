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
    pub(super) record: Option<Record<D>>,
}

/// The call, with everything it needs in it.
pub(super) fn begin<D: Form>(
    store: SessionStore,
    verb: Verb,
    record: Record<D>,
    base: Option<Record<D>>,
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
        let expires_at = record.expires_at.expect("every record here has one");
        let written = |result: Result<Write, Error>, data: D| match result {
            Ok(Write::Written(stamp)) => {
                known(Answer::Written(self::stamp(stamp)), &record, data, stamp)
            }
            Ok(Write::Gone) => unknown(Answer::Gone),
            Err(error) => failed(&error),
        };
        let data = record.data.clone();
        match verb {
            Verb::Load => match store.load::<D>(&record.id).await {
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
            Verb::Create => match store.create(&record).await {
                Ok(Create::Created(stamp)) => {
                    known(Answer::Created(self::stamp(stamp)), &record, data, stamp)
                }
                Ok(Create::Taken) => unknown(Answer::Taken),
                Err(error) => failed(&error),
            },
            Verb::Put => match store.put(&record).await {
                Ok(stamp) => known(Answer::Put(self::stamp(stamp)), &record, data, stamp),
                Err(error) => failed(&error),
            },
            Verb::Save if has_unit => written(
                store
                    .save_with(&guarded(), &record.data, expires_at, &fields)
                    .await,
                data,
            ),
            Verb::Save => written(store.save(&guarded(), &record.data, expires_at).await, data),
            Verb::Replace => {
                let mut whole = record.clone();
                whole.created = guarded().created;
                written(store.replace(&whole).await, data)
            }
            Verb::Touch if has_unit => {
                let base = guarded();
                let touched = store
                    .touch_with(&base, &record.data, expires_at, &fields)
                    .await;
                // What else it changed in memory is not written yet.
                let (mut data, unit) = (base.data.data(), record.data.data());
                data.extend(
                    unit.into_iter()
                        .filter(|(name, _)| EXPIRY_UNIT.contains(&name.as_str())),
                );
                written(touched, D::of(&data))
            }
            Verb::Touch => {
                let base = guarded();
                let mut touched = written(store.touch(&base, expires_at).await, base.data.clone());
                // Another package's row it still is.
                if let Some(record) = &mut touched.record {
                    record.is_foreign = base.is_foreign;
                }
                touched
            }
            Verb::CreateOrMerge => written(store.create_or_merge(&record, &fields).await, data),
            Verb::Delete => match store.delete(&record.id).await {
                Ok(()) => unknown(Answer::Deleted),
                Err(error) => failed(&error),
            },
        }
    })
}

pub(super) fn known<D>(answer: Answer, record: &Record<D>, data: D, stamp: Stamp) -> Outcome<D> {
    let mut record = record.with_data(data);
    record.created = stamp.created;
    record.expires_at = Some(stamp.expires_at);
    Outcome {
        answer,
        record: Some(record),
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
