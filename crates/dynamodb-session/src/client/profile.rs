//! The profiles in the shared configuration files of AWS.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::environment::Environment;
use super::settings::{self, Setting};

mod ini;

use ini::Section;

/// All profiles of the two files, and the sections that they refer to.
#[derive(Default)]
pub(super) struct Profiles {
    config: File,
    credentials: File,
    services: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
}

/// The profiles of one file, by their names.
#[derive(Default)]
struct File {
    /// Where it was looked for. `None`: there is no home directory.
    path: Option<PathBuf>,
    profiles: BTreeMap<String, Section>,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Profile<'a> {
    name: &'a str,
    all: &'a Profiles,
    in_config: &'a Section,
    in_credentials: &'a Section,
}

static EMPTY: Section = Section::new();

impl Profiles {
    /// Reads the files. One that is missing is empty. An error names the file.
    pub(super) fn read(environment: &Environment) -> Result<Self, String> {
        let path = |setting: &Setting, default: &str| match setting.variable(environment) {
            Some(path) => match path.strip_prefix("~/") {
                Some(rest) => environment.below_home(rest),
                None => Some(PathBuf::from(path)),
            },
            None => environment.below_home(default),
        };
        let config = path(&settings::CONFIG_FILE, ".aws/config");
        let credentials = path(&settings::CREDENTIALS_FILE, ".aws/credentials");
        let mut found = Self::default();
        for (header, section) in sections(config.as_ref())? {
            let (group, name) = if header == "default" {
                (&mut found.config.profiles, "default")
            } else if let Some(name) = ini::named(&header, "profile") {
                (&mut found.config.profiles, name)
            } else if let Some(name) = ini::named(&header, "services") {
                (&mut found.services, name)
            } else if let Some(name) = ini::named(&header, "sso-session") {
                (&mut found.sso_sessions, name)
            } else {
                continue;
            };
            group.entry(name.to_owned()).or_default().extend(section);
        }
        found.credentials.profiles = sections(credentials.as_ref())?;
        found.config.path = config;
        found.credentials.path = credentials;
        Ok(found)
    }

    /// The profile that a setting or the environment names, or else `default`, which may be missing. An error has the
    /// name of a profile that does not exist.
    pub(super) fn selected<'a>(
        &'a self,
        named: Option<&'a str>,
        environment: &'a Environment,
    ) -> Result<Profile<'a>, String> {
        match named.or_else(|| settings::PROFILE.variable(environment)) {
            Some(name) => self.profile(name),
            None => Ok(self.profile("default").unwrap_or(Profile {
                name: "default",
                all: self,
                in_config: &EMPTY,
                in_credentials: &EMPTY,
            })),
        }
    }

    /// A profile by its name. The error names the files.
    pub(super) fn profile<'a>(&'a self, name: &'a str) -> Result<Profile<'a>, String> {
        let in_config = self.config.profiles.get(name);
        let in_credentials = self.credentials.profiles.get(name);
        if in_config.or(in_credentials).is_none() {
            return Err(format!(
                "profile `{name}` was not defined, neither in {} nor in {}",
                self.config_file(),
                self.credentials_file()
            ));
        }
        Ok(Profile {
            name,
            all: self,
            in_config: in_config.unwrap_or(&EMPTY),
            in_credentials: in_credentials.unwrap_or(&EMPTY),
        })
    }

    /// The settings of an `sso-session` section.
    pub(super) fn sso_session(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.sso_sessions.get(name)
    }

    /// The path of the configuration file, for messages.
    pub(super) fn config_file(&self) -> String {
        shown(self.config.path.as_ref(), "~/.aws/config")
    }

    /// The path of the credentials file, for messages.
    pub(super) fn credentials_file(&self) -> String {
        shown(self.credentials.path.as_ref(), "~/.aws/credentials")
    }
}

fn shown(path: Option<&PathBuf>, default: &str) -> String {
    path.map_or(default.to_owned(), |path| path.display().to_string())
}

impl<'a> Profile<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// A setting of the profile; `None` if it is missing or empty. What stands in the credentials file counts.
    pub(super) fn get(&self, setting: &Setting) -> Option<&'a str> {
        self.text(setting.key())
    }

    /// The same by name.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        let value = self.in_credentials.get(key);
        filled(value.or_else(|| self.in_config.get(key)))
    }

    /// A setting of the profile in the credentials file.
    pub(super) fn in_credentials(&self, setting: &Setting) -> Option<&'a str> {
        filled(self.in_credentials.get(setting.key()))
    }

    /// A setting of the profile in the configuration file.
    pub(super) fn in_config(&self, setting: &Setting) -> Option<&'a str> {
        filled(self.in_config.get(setting.key()))
    }

    /// A setting of a service, such as `dynamodb`, in the profile's services section.
    pub(super) fn of_service(
        &self,
        service: &str,
        setting: &Setting,
    ) -> Result<Option<&'a str>, String> {
        let Some(name) = self.get(&settings::SERVICES) else {
            return Ok(None);
        };
        // The text of the file is not shown: lines of secrets that are indented are a part of the value.
        let section = self.all.services.get(name).ok_or_else(|| {
            format!(
                "profile `{}` refers to a services section that does not exist",
                self.name
            )
        })?;
        Ok(ini::nested(section, service, setting.key()))
    }
}

fn filled(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

// The files hold secrets.
impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles")
            .field("config", &self.config.path)
            .field("credentials", &self.credentials.path)
            .finish_non_exhaustive()
    }
}

/// The sections of a file. A host without a home directory, or with one that is another user's, has no files.
fn sections(path: Option<&PathBuf>) -> Result<BTreeMap<String, Section>, String> {
    let Some(path) = path else {
        return Ok(BTreeMap::new());
    };
    let fails = |what: &dyn fmt::Display| format!("{}: {what}", path.display());
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| fails(&"it is not UTF-8"))?;
            ini::parse(&text).map_err(|what| fails(&what))
        }
        Err(error) => match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory => Ok(BTreeMap::new()),
            // Another account may be found elsewhere, so this must not pass for a file that is missing.
            _ => Err(fails(&error)),
        },
    }
}
