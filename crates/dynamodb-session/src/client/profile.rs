//! The profiles in the shared configuration files of AWS.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::environment::Environment;

mod ini;

use ini::Section;

/// All profiles of the two files, and the sections that they refer to.
#[derive(Default)]
pub(super) struct Profiles {
    /// Both files together. What stands in the credentials file counts.
    by_name: BTreeMap<String, Section>,
    services: BTreeMap<String, Section>,
    /// Where they were looked for.
    files: Vec<PathBuf>,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Profile<'a> {
    name: &'a str,
    all: &'a Profiles,
    section: &'a Section,
}

static EMPTY: Section = Section::new();

impl Profiles {
    /// Reads the files. One that is missing is empty. An error names the file.
    pub(super) fn read(environment: &Environment) -> Result<Self, String> {
        let path = |variable: &str, default: &str| match environment.get(variable) {
            Some(path) => match path.strip_prefix("~/") {
                Some(rest) => environment.below_home(rest),
                None => Some(PathBuf::from(path)),
            },
            None => environment.below_home(default),
        };
        let config = path("AWS_CONFIG_FILE", ".aws/config");
        let credentials = path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let mut found = Self::default();
        for (header, section) in sections(config.as_ref())? {
            let (group, name) = if header == "default" {
                (&mut found.by_name, "default")
            } else if let Some(name) = ini::named(&header, "profile") {
                (&mut found.by_name, name)
            } else if let Some(name) = ini::named(&header, "services") {
                (&mut found.services, name)
            } else {
                continue;
            };
            group.entry(name.to_owned()).or_default().extend(section);
        }
        for (name, section) in sections(credentials.as_ref())? {
            found.by_name.entry(name).or_default().extend(section);
        }
        found.files = config.into_iter().chain(credentials).collect();
        Ok(found)
    }

    /// The profile that a setting or the environment names, or else `default`, which may be missing. An error has the
    /// name of a profile that does not exist.
    pub(super) fn selected<'a>(
        &'a self,
        named: Option<&'a str>,
        environment: &'a Environment,
    ) -> Result<Profile<'a>, String> {
        match named.or_else(|| name_in(environment)) {
            Some(name) => self.profile(name),
            None => Ok(self.profile("default").unwrap_or(Profile {
                name: "default",
                all: self,
                section: &EMPTY,
            })),
        }
    }

    fn profile<'a>(&'a self, name: &'a str) -> Result<Profile<'a>, String> {
        let section = self.by_name.get(name);
        section
            .map(|section| Profile {
                name,
                all: self,
                section,
            })
            .ok_or_else(|| {
                let files: Vec<_> = self
                    .files
                    .iter()
                    .map(|file| file.display().to_string())
                    .collect();
                format!(
                    "profile `{name}` was not defined, neither in {}",
                    if files.is_empty() {
                        "~/.aws/config nor in ~/.aws/credentials".to_owned()
                    } else {
                        files.join(" nor in ")
                    }
                )
            })
    }
}

impl<'a> Profile<'a> {
    /// A setting of the profile; `None` if it is missing or empty.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let value = self.section.get(key).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The URL that the profile gives a service, such as `dynamodb`: in its services section, or for all of them.
    pub(super) fn endpoint_url(&self, service: &str) -> Result<Option<&'a str>, String> {
        let of_service = match self.get("services") {
            Some(name) => {
                // The text of the file is not shown: lines of secrets that are indented are a part of the value.
                let section = self.all.services.get(name).ok_or_else(|| {
                    format!(
                        "profile `{}` refers to a services section that does not exist",
                        self.name
                    )
                })?;
                ini::nested(section, service, "endpoint_url")
            }
            None => None,
        };
        Ok(of_service.or_else(|| self.get("endpoint_url")))
    }
}

// The files hold secrets.
impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// The name of the profile that the environment selects. The order is botocore's.
pub(super) fn name_in(environment: &Environment) -> Option<&str> {
    let variables = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"];
    variables.iter().find_map(|name| environment.get(name))
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
