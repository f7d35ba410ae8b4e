//! The settings of SSO, in a profile and in its `sso-session` section.

use super::super::super::profile::Profile;
use super::super::super::settings::{self, Setting};
use super::super::lookup::Lookup;

/// The settings of a profile that signs in by SSO.
pub(super) struct SsoConfig<'a> {
    pub(super) account: &'a str,
    pub(super) role: &'a str,
    pub(super) start_url: &'a str,
    pub(super) region: &'a str,
    /// The name of its `sso-session` section, if it has one.
    pub(super) session: Option<&'a str>,
}

impl<'a> SsoConfig<'a> {
    /// Those of a profile; `None` if it names neither an account nor a role.
    ///
    /// What is missing, or contradicts itself, is an error, as in botocore.
    pub(super) fn of(lookup: &Lookup<'a>, profile: Profile<'a>) -> Result<Option<Self>, String> {
        let (role, account) = (
            profile.get(&settings::SSO_ROLE_NAME),
            profile.get(&settings::SSO_ACCOUNT_ID),
        );
        if role.or(account).is_none() {
            return Ok(None);
        }
        let session = profile.get(&settings::SSO_SESSION);
        let section = match session {
            Some(name) => {
                let section = lookup.profiles.sso_session(name);
                let missing =
                    || format!("its sso_session `{name}` is not in the configuration file");
                Some(section.ok_or_else(missing)?)
            }
            None => None,
        };
        for (key, value) in section.into_iter().flatten() {
            if profile.text(key).is_some_and(|own| own != value) {
                return Err(format!(
                    "{key} in the profile is not that of the sso-session section: remove it from the profile"
                ));
            }
        }
        let get = |setting: &Setting| {
            let key = setting.key();
            let shared = section
                .and_then(|section| section.get(key))
                .map(String::as_str);
            let value = shared.or_else(|| profile.get(setting));
            value
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("{key} is missing, which SSO needs"))
        };
        Ok(Some(Self {
            account: get(&settings::SSO_ACCOUNT_ID)?,
            role: get(&settings::SSO_ROLE_NAME)?,
            start_url: get(&settings::SSO_START_URL)?,
            region: get(&settings::SSO_REGION)?,
            session,
        }))
    }
}
