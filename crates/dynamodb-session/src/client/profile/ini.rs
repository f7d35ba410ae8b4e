//! The text of the shared configuration files, read as the AWS CLI reads it.

use std::collections::BTreeMap;

/// The settings of a section, by their lower-case names.
pub(super) type Section = BTreeMap<String, String>;

/// All sections by their headers. Those with the same header are one.
///
/// An error has the number of the line, and nothing of its text, which may be a secret.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, Section>, String> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut header: Option<String> = None;
    // The setting that an indented line continues, and how far it is indented itself.
    let mut open: Option<(String, usize)> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let plain = line.trim();
        if plain.is_empty() || plain.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let at = |what: &str| format!("line {}: {what}", index + 1);
        if let (Some(name), Some((key, own))) = (&header, &open)
            && indent > *own
        {
            let section = sections.entry(name.clone()).or_default();
            let value = section.entry(key.clone()).or_default();
            value.push('\n');
            value.push_str(plain);
            continue;
        }
        if let Some(rest) = plain.strip_prefix('[') {
            let (name, _) = rest
                .rsplit_once(']')
                .ok_or_else(|| at("the header of a section has no ]"))?;
            sections.entry(name.to_owned()).or_default();
            header = Some(name.to_owned());
            open = None;
            continue;
        }
        let name = header
            .clone()
            .ok_or_else(|| at("a setting stands before the first section"))?;
        let (key, value) = plain
            .split_once(['=', ':'])
            .ok_or_else(|| at("neither a section nor name = value"))?;
        let key = key.trim().to_lowercase();
        let value = without_comment(&key, value.trim());
        let section = sections.entry(name).or_default();
        section.insert(key.clone(), value.to_owned());
        open = Some((key, indent));
    }
    Ok(sections)
}

/// The AWS CLI takes a comment behind a value for a part of it, and other programs do not. No value but a command can
/// hold a blank and one of these signs.
fn without_comment<'a>(key: &str, value: &'a str) -> &'a str {
    if key == "credential_process" {
        return value;
    }
    let end = [" #", " ;", "\t#", "\t;"]
        .iter()
        .filter_map(|sign| value.find(sign))
        .min();
    end.map_or(value, |end| value[..end].trim_end())
}

/// A setting below another one, as `endpoint_url` of `dynamodb` in a services section.
pub(super) fn nested<'a>(section: &'a Section, group: &str, key: &str) -> Option<&'a str> {
    let lines = section.get(group)?.strip_prefix('\n')?.lines();
    let mut values = lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| without_comment(key, value.trim()))
    });
    values.next_back().filter(|value| !value.is_empty())
}

/// The name in a header such as `profile web` or `profile "web shop"`, if it has this kind.
pub(super) fn named<'a>(header: &'a str, kind: &str) -> Option<&'a str> {
    let rest = header.trim().strip_prefix(kind)?;
    let name = rest.strip_prefix([' ', '\t'])?.trim();
    for quote in ['"', '\''] {
        if let Some(quoted) = name.strip_prefix(quote) {
            return quoted.strip_suffix(quote);
        }
    }
    (!name.is_empty() && !name.contains([' ', '\t'])).then_some(name)
}
