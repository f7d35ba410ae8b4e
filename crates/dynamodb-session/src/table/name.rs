//! The rules for the names of a table and of its key and TTL attributes.

use crate::error::Error;
use crate::item::attributes;

/// Checks a table's name or ARN.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
pub(crate) fn check_table(name: &str) -> Result<(), Error> {
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let is_name = (3..=255).contains(&name.len()) && name.chars().all(is_allowed);
    if is_name || name.starts_with("arn:") {
        return Ok(());
    }
    Err(Error::invalid(
        "table_name",
        "it must be 3 to 255 letters, digits, `_`, `-` or `.`, or a table's ARN",
    ))
}

/// Checks the names of the key and TTL attributes. `taken` are those that the layout uses.
pub(crate) fn check_attributes(
    partition_key: &str,
    ttl_attribute: &str,
    taken: impl Iterator<Item = &'static str>,
) -> Result<(), Error> {
    let taken: Vec<_> = attributes::RESERVED.into_iter().chain(taken).collect();
    for (setting, name) in [
        ("partition_key", partition_key),
        ("ttl_attribute", ttl_attribute),
    ] {
        if !(1..=255).contains(&name.len()) {
            return Err(Error::invalid(setting, "it must be 1 to 255 bytes long"));
        }
        if taken.contains(&name) {
            return Err(Error::invalid(
                setting,
                format!("it must not be `{name}`: the store keeps something else there"),
            ));
        }
    }
    if partition_key == ttl_attribute {
        return Err(Error::invalid(
            "ttl_attribute",
            "it must differ from the partition key",
        ));
    }
    Ok(())
}

/// Checks the name of an attribute that an application has beside the session. `is_taken`: the table or the
/// layout uses it.
pub(crate) fn check_beside(name: &str, is_taken: bool) -> Result<(), Error> {
    if !(1..=255).contains(&name.len()) {
        let message = "the name of an attribute must be 1 to 255 bytes long";
        return Err(Error::invalid("attribute", message));
    }
    if is_taken || attributes::RESERVED.contains(&name) {
        return Err(Error::invalid(
            "attribute",
            format!("it must not be `{name}`: the store keeps something else there"),
        ));
    }
    Ok(())
}
