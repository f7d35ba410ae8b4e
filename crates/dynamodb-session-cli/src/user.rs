//! `user list|revoke`.

use std::time::SystemTime;

use dynamodb_session::options::EncryptionMode;
use dynamodb_session::{RevokeOptions, SessionRef, SessionStore, UserId, UserSession};
use serde::Serialize;

use crate::cli::{ConnectionArgs, UserArgs, UserListArgs, UserRevokeArgs};
use crate::connection::Kept;
use crate::exit::{Exit, Failure};
use crate::{confirm, connection, input, keys, output, progress};

pub(crate) async fn list(args: UserListArgs) -> Result<(), Failure> {
    let user = user_id(args.user.user.clone())?;
    let (_, sessions) = look(&args.connection, &args.user, &user).await?;
    if sessions.is_empty() {
        let table = &args.user.table.table_name;
        let message = format!("this user has no live session in table {table}");
        let hint = "check the user's id, --prefix, --table-name and --region, and that the application keeps track \
                    of users";
        return Err(Failure::new(Exit::NotFound, message).hint(hint));
    }
    if args.output.json {
        let sessions: Vec<_> = sessions.iter().map(UserSessionJson::of).collect();
        return output::json(&serde_json::json!({ "sessions": sessions }));
    }
    let rows: Vec<_> = sessions.into_iter().map(row).collect();
    let headings = ["Ref", "Signed in", "Last seen", "Expires", "Label"];
    output::line(&output::table(headings, &rows))
}

pub(crate) async fn revoke(args: UserRevokeArgs) -> Result<(), Failure> {
    let user = user_id(args.user.user.clone())?;
    let reference = args.reference.as_deref().map(parsed).transpose()?;
    let spared = args.except_reference.as_deref().map(parsed).transpose()?;
    let (store, sessions) = look(&args.connection, &args.user, &user).await?;
    let table = &args.user.table.table_name;
    let has = |reference: &SessionRef| {
        let mut references = sessions.iter().map(|session| &session.reference);
        references.any(|other| other == reference)
    };
    if let Some(spared) = spared.as_ref().filter(|spared| !has(spared)) {
        let message =
            format!("nothing ended: this user has no live session {spared} in table {table}");
        let hint = "`dynamodb-session user list` shows the user's sessions";
        return Err(Failure::new(Exit::NotFound, message).hint(hint));
    }
    if !args.yes {
        let which = match (&reference, &spared) {
            (Some(reference), _) => format!("session {reference} of this user"),
            (None, Some(spared)) => format!("all sessions of this user but {spared}"),
            (None, None) => "all sessions of this user".to_owned(),
        };
        let live = output::counted(sessions.len() as u64, "live session", "live sessions");
        confirm::ask(&output::printable(&format!(
            "End {which} in table {table}? The user has {live}."
        )))?;
    }
    let revoked = progress::shown("Ending sessions", async {
        let mut store = store;
        if has_keys(&args.user) && store.has_user_secret().await? {
            // Notes the time under the key with the secret, as the application does, which has made the secret.
            store = open(&args.connection, &args.user, EncryptionMode::On).await?;
        }
        let mut options = RevokeOptions::default();
        if let Some(spared) = &spared {
            options = options.except_reference(spared);
        }
        let revoked = match &reference {
            Some(reference) => store.revoke(&user, reference).await.map(u64::from),
            None => store.revoke_user(&user, &options).await,
        };
        revoked.map_err(|error| {
            Failure::from(error)
                .hint("some sessions may be left: when the cause is gone, the same command goes on")
        })
    })
    .await?;
    if args.output.json {
        return output::json(&serde_json::json!({ "revoked": revoked }));
    }
    output::line(&match (revoked, &reference) {
        (0, Some(reference)) => format!("This user had no live session {reference}."),
        (0, None) if spared.is_some() => "This user had no other live session.".to_owned(),
        (0, None) => "This user had no live session.".to_owned(),
        (_, Some(reference)) => format!("Ended session {reference}."),
        (_, None) => format!("Ended {}.", output::counted(revoked, "session", "sessions")),
    })
}

/// The live sessions of the user, and the store that has found them. Makes neither a data key nor a secret.
async fn look(
    connection: &ConnectionArgs,
    args: &UserArgs,
    user: &UserId,
) -> Result<(SessionStore, Vec<UserSession>), Failure> {
    progress::shown("Looking for the user's sessions", async {
        let store = open(connection, args, EncryptionMode::Read).await?;
        if !has_keys(args) && store.has_user_secret().await? {
            // What is found without keys can be less than all.
            let message = "no keys: this table has a secret for the keys of users' items, and only the encryption \
                           keys open it";
            let hint = "give --key-file or --kms-key, and the application's --context if it has one; if nothing is \
                        encrypted any more, delete the item of the secret, whose key ends in u1.key";
            return Err(Failure::new(Exit::Config, message).hint(hint));
        }
        let sessions = store.sessions_of(user).await?;
        Ok::<_, Failure>((store, sessions))
    })
    .await
}

fn has_keys(args: &UserArgs) -> bool {
    args.keys.key_file.is_some() || !args.keys.kms_key.is_empty()
}

async fn open(
    connection: &ConnectionArgs,
    args: &UserArgs,
    mode: EncryptionMode,
) -> Result<SessionStore, Failure> {
    let encryption = keys::encryption(&args.keys)?.map(|options| options.mode(mode));
    let kept = Kept {
        prefix: &args.ids.prefix,
        layout: args.layout.layout,
        encryption,
        has_users: true,
        ..Kept::default()
    };
    connection::store_of_table(connection, &args.table, kept).await
}

fn user_id(argument: String) -> Result<UserId, Failure> {
    let id = input::argument(argument, "user id")?;
    if id.is_empty() {
        return Err(Failure::new(Exit::Usage, "the user id is empty"));
    }
    UserId::new(id).map_err(|error| Failure::new(Exit::Usage, error.message()))
}

/// The reference. The error does not repeat the text: it could be the id of a session.
fn parsed(text: &str) -> Result<SessionRef, Failure> {
    text.parse()
        .map_err(|error: dynamodb_session::Error| Failure::new(Exit::Usage, error.message()))
        .map_err(|failure| failure.hint("`dynamodb-session user list` shows references"))
}

fn row(session: UserSession) -> [String; 5] {
    let shown = |time: Option<SystemTime>| time.map_or_else(|| "unknown".to_owned(), output::time);
    [
        session.reference.to_string(),
        output::time(session.signed_in),
        shown(session.last_seen),
        shown(session.expires_at),
        session.label.unwrap_or_default(),
    ]
}

#[derive(Serialize)]
struct UserSessionJson<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    created: Option<String>,
    signed_in: String,
    last_seen: Option<String>,
    expires: Option<String>,
    label: Option<&'a str>,
}

impl<'a> UserSessionJson<'a> {
    fn of(session: &'a UserSession) -> Self {
        Self {
            reference: session.reference.as_str(),
            created: session.created.map(output::time),
            signed_in: output::time(session.signed_in),
            last_seen: session.last_seen.map(output::time),
            expires: session.expires_at.map(output::time),
            label: session.label.as_deref(),
        }
    }
}
