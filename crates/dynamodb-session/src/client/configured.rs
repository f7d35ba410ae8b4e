//! The values of settings: in the environment, or else in the profile.

use super::environment::Environment;
use super::profile::Profile;
use super::reason::InvalidSetting;
use super::settings::{self, Service, Setting};

/// Where settings are looked for.
#[derive(Clone, Copy)]
pub(super) struct Configured<'a> {
    pub(super) environment: &'a Environment,
    /// `None`: the profile does not count.
    pub(super) profile: Option<Profile<'a>>,
}

impl<'a> Configured<'a> {
    pub(super) fn value(&self, setting: &Setting) -> Option<&'a str> {
        self.named(setting).map(|(_, value)| value)
    }

    /// The value, and the name that the setting has where it stands.
    pub(super) fn named(&self, setting: &Setting) -> Option<(&'static str, &'a str)> {
        let set = setting.set_variable(self.environment);
        set.or_else(|| Some((setting.key(), self.profile?.get(setting)?)))
    }

    pub(super) fn is_true(&self, setting: &Setting) -> bool {
        self.value(setting)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Refuses a setting that means another endpoint than the Region's.
    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        match self.value(&settings::ACCOUNT_ENDPOINT) {
            Some("required") => Err(InvalidSetting::new(
                settings::ACCOUNT_ENDPOINT.key(),
                "endpoints of an account are not supported: set it to preferred, for the Region's endpoint",
            )),
            _ => Ok(()),
        }
    }

    /// The URL that the environment or the profile gives a service, and the setting that it comes from.
    pub(super) fn endpoint_url(
        &self,
        service: &Service,
    ) -> Result<Option<(&'static str, &'a str)>, InvalidSetting> {
        if self.is_true(&settings::IGNORE_URLS) {
            return Ok(None);
        }
        for setting in [&service.url, &settings::ENDPOINT_URL] {
            let set = setting.set_variable(self.environment);
            if set.is_some() {
                return Ok(set);
            }
        }
        let Some(profile) = self.profile else {
            return Ok(None);
        };
        let of_service = profile
            .of_service(service.key, &settings::ENDPOINT_URL)
            .map_err(|reason| InvalidSetting::new("profile", reason))?;
        let url = of_service.or_else(|| profile.get(&settings::ENDPOINT_URL));
        Ok(url.map(|url| (settings::ENDPOINT_URL.key(), url)))
    }
}
