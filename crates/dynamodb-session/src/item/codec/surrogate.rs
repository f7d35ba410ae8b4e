//! Escapes of lone surrogates in JSON text: `serde_json` refuses them, JavaScript writes them.

/// Replaces escapes of surrogates that do not form a pair by the escape of U+FFFD; `None` if it has no such escapes.
pub(crate) fn mend(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended = None;
    let mut at = 0;
    while let Some(offset) = json
        .get(at..)
        .and_then(|rest| rest.iter().position(|&byte| byte == b'\\'))
    {
        at += offset;
        at += match escaped(json, at) {
            // The backslash and what it escapes, which may be another backslash.
            None => 2,
            Some(0xD800..=0xDBFF) if matches!(escaped(json, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                let text: &mut Vec<u8> = mended.get_or_insert_with(|| json.to_vec());
                text[at..at + 6].copy_from_slice(br"\ufffd");
                6
            }
            Some(_) => 6,
        };
    }
    mended
}

/// The code unit escaped as `\uXXXX` at this place.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(br"\u")?;
    let digits = str::from_utf8(digits).ok()?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| hex)
}

#[cfg(test)]
mod tests {
    use super::mend;

    #[test]
    fn only_lone_surrogates_change() {
        for (json, mended) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\uD800x""#, r#""\ufffdx""#),
            (r#""\udc00\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud800\n""#, r#""\ufffd\n""#),
            (r#""\\\ud800""#, r#""\\\ufffd""#),
            (r#""\ud83d\ude00\ude00""#, r#""\ud83d\ude00\ufffd""#),
            (r#"["\udfff","\udbff"]"#, r#"["\ufffd","\ufffd"]"#),
        ] {
            assert_eq!(
                mend(json.as_bytes()).as_deref(),
                Some(mended.as_bytes()),
                "{json}"
            );
        }
        for json in [
            r#""\\ud800""#,
            r#""\ud83d\ude00""#,
            r#""\u00e9""#,
            r#""\ud80"#,
            r#""\u+d80""#,
            "\\",
            "",
            r#""\ue000""#,
        ] {
            assert_eq!(mend(json.as_bytes()), None, "{json}");
        }
    }
}
