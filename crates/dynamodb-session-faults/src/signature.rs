//! Verifies a signature: the AWS SDK's signer signs the request again, and the result must be the same.

use std::error::Error;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::SECRET;
use crate::http::Message;
use crate::kms::Kms;

/// The headers that a signature must cover, and the token if there is one.
const SIGNED: [&str; 3] = ["host", "x-amz-date", "x-amz-target"];

/// The time of signing, as the request states it.
pub(crate) fn signed_at(request: &Message) -> Option<DateTime> {
    let date = request.header("x-amz-date")?;
    if date.len() != 16 || !date.is_ascii() {
        return None;
    }
    let (day, time) = (&date[..8], &date[9..15]);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &day[..4],
        &day[4..6],
        &day[6..],
        &time[..2],
        &time[2..4],
        &time[4..]
    );
    DateTime::from_str(&text, Format::DateTime).ok()
}

/// The Region in the scope of the signature.
pub(crate) fn region(request: &Message) -> Option<&str> {
    let (_, scope) = request.header("authorization")?.split_once("Credential=")?;
    scope.split('/').nth(2)
}

/// Returns the id of the access key.
///
/// # Errors
///
/// A description of the error in the signature.
pub(crate) fn verify(request: &Message) -> Result<String, String> {
    let given = request.header("authorization").ok_or("it is missing")?;
    let of = |field: &str| {
        let (_, rest) = given.split_once(field)?;
        rest.split([',', ' ']).next()
    };
    let scope = of("Credential=").ok_or("it has no credential")?;
    let [access_key, day, region, service, _] = scope.split('/').collect::<Vec<_>>()[..] else {
        return Err(format!("its scope is malformed: {scope}"));
    };
    let date = request.header("x-amz-date").unwrap_or_default();
    let asked = if Kms::is_asked(request) {
        "kms"
    } else {
        "dynamodb"
    };
    if service != asked || !date.starts_with(day) {
        return Err(format!("its scope is wrong: {scope}, at {date}"));
    }
    let signed: Vec<&str> = of("SignedHeaders=")
        .unwrap_or_default()
        .split(';')
        .collect();
    let token = request.header("x-amz-security-token");
    let needed = SIGNED
        .into_iter()
        .chain(token.map(|_| "x-amz-security-token"));
    if let Some(unsigned) = needed.into_iter().find(|name| !signed.contains(name)) {
        return Err(format!("it does not cover {unsigned}"));
    }
    let time = signed_at(request).ok_or("it has no date")?;
    let time = SystemTime::try_from(time).map_err(|error| error.to_string())?;
    let credentials = Credentials::new(access_key, SECRET, token.map(str::to_owned), None, "");
    let expected = signed_again(request, &credentials, (region, service), time, &signed);
    match expected {
        Ok(expected) if expected == given => Ok(access_key.to_owned()),
        Ok(_) => Err("it belongs to another request, or was made with another key".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn signed_again(
    request: &Message,
    credentials: &Credentials,
    (region, service): (&str, &str),
    time: SystemTime,
    signed: &[&str],
) -> Result<String, Box<dyn Error>> {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let mut line = request.start.split(' ');
    let (method, path) = (
        line.next().unwrap_or_default(),
        line.next().unwrap_or_default(),
    );
    let url = format!(
        "http://{}{path}",
        request.header("host").unwrap_or_default()
    );
    // The signer adds these headers itself.
    let headers = request.headers.iter().filter(|(name, _)| {
        signed.contains(&name.as_str()) && name != "x-amz-date" && name != "x-amz-security-token"
    });
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(method, url, headers, SignableBody::Bytes(&request.body))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let (headers, _) = instructions.into_parts();
    let authorization = headers
        .iter()
        .find(|header| header.name() == "authorization");
    Ok(authorization
        .ok_or("the signer gave no header")?
        .value()
        .to_owned())
}
