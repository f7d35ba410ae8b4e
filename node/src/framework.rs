//! A framework's fields in a session, as its adapter in JavaScript describes them.

use dynamodb_session::framework::{ExpiryField, Framework};
use napi::Either;
use napi_derive::napi;

/// The fields that a framework keeps in a session beside the application's data. Default: no fields.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct FrameworkDescription {
    /// The fields that are always written together with the expiry.
    pub expiry: Option<Vec<ExpiryFieldDescription>>,
    /// The names of fields that the framework does not copy from a stored session into the session that it saves.
    pub not_carried: Option<Vec<String>>,
    /// Prefixes of such names.
    pub not_carried_prefixes: Option<Vec<String>>,
}

/// A field that is written together with the expiry.
#[napi(object, object_to_js = false)]
pub struct ExpiryFieldDescription {
    /// The field's name.
    pub name: String,
    /// Where the field holds the end of the session: `true` for the field itself, or the names of fields inside it.
    /// Default: nowhere, because the field is a setting.
    pub instants: Option<Either<bool, Vec<String>>>,
    /// The names of fields inside it that say in milliseconds how long sessions last. Default: no fields.
    pub durations: Option<Vec<String>>,
}

impl From<FrameworkDescription> for Framework {
    fn from(description: FrameworkDescription) -> Self {
        let fields = description.expiry.unwrap_or_default().into_iter();
        fields
            .map(ExpiryField::from)
            .fold(Self::new(), Self::expiry_field)
            .not_carried(description.not_carried.unwrap_or_default())
            .not_carried_prefixes(description.not_carried_prefixes.unwrap_or_default())
    }
}

impl From<ExpiryFieldDescription> for ExpiryField {
    fn from(description: ExpiryFieldDescription) -> Self {
        let name = description.name;
        let field = match description.instants {
            Some(Either::A(true)) => Self::instant(name),
            Some(Either::B(inside)) => Self::with_instants(name, inside),
            Some(Either::A(false)) | None => Self::setting(name),
        };
        field.with_durations(description.durations.unwrap_or_default())
    }
}
