//! The little of XML that the answers of STS have: elements with text, without attributes of interest.

/// The content of the first element of this name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = xml;
    loop {
        rest = &rest[rest.find('<')? + 1..];
        let after = rest.strip_prefix(name);
        if let Some(after) = after.filter(|after| after.starts_with(['>', ' ', '\t', '\r', '\n'])) {
            let content = &after[after.find('>')? + 1..];
            return content
                .find(&format!("</{name}>"))
                .map(|end| &content[..end]);
        }
    }
}

/// The text of the first element of this name, without the blanks around it.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    Some(unescaped(element(xml, name)?.trim()))
}

/// The longest reference, `&#x10FFFF;`, has as many bytes.
const LONGEST_REFERENCE: usize = 10;

/// Replaces the references to characters. What is not one stays.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut near = rest.bytes().take(LONGEST_REFERENCE);
        let end = near.position(|byte| byte == b';').unwrap_or(0);
        if let Some(char) = rest.get(1..end).and_then(character) {
            plain.push(char);
            rest = &rest[end + 1..];
        } else {
            plain.push('&');
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    plain
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests;
