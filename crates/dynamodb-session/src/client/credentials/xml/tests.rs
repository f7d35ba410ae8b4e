use proptest::prelude::*;

use super::*;

#[test]
fn the_first_element_of_a_name_is_found() {
    let xml =
        "<?xml version=\"1.0\"?><A xmlns=\"u\"><Keys><Key>one</Key></Keys><Key >two</Key></A>";
    assert_eq!(text(xml, "Key").unwrap(), "one");
    assert_eq!(element(xml, "Keys").unwrap(), "<Key>one</Key>");
    assert!(element(xml, "A").unwrap().starts_with("<Keys>"));
}

#[test]
fn text_has_its_characters_and_no_blanks_around_it() {
    for (content, expected) in [
        ("\n  plain \n", "plain"),
        ("", ""),
        ("a&amp;b &lt;c&gt; &quot;d&apos;", "a&b <c> \"d'"),
        ("&#65;&#x42;&#X43;&#x10FFFF;", "ABC\u{10FFFF}"),
        // Not references: they stay.
        ("& &; &x; &#xD800; &#; a&", "& &; &x; &#xD800; &#; a&"),
        ("&amp;lt;", "&lt;"),
        ("&é;&;", "&é;&;"),
    ] {
        let found = text(&format!("<k>{content}</k>"), "k");
        assert_eq!(found.as_deref(), Some(expected));
    }
}

#[test]
fn what_is_no_element_is_not_found() {
    for xml in [
        "",
        "<",
        "<k",
        "<k>",
        "<k>a",
        "<k>a</k",
        "k>a</k>",
        "<kk>a</kk>",
        "</k>",
        "<k/>",
    ] {
        assert_eq!(text(xml, "k"), None, "{xml}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_text_is_read_back(content in "[a-z<>&;#\"' é]{0,40}") {
        let escaped = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;");
        let found = text(&format!("<a><k>{escaped}</k></a>"), "k");
        prop_assert_eq!(found.as_deref(), Some(content.trim()));
    }

    #[test]
    fn no_text_is_too_odd(xml in "[<>/k &;#x1é]{0,60}") {
        // It must not panic, and what it finds stands in the text.
        if let Some(content) = element(&xml, "k") {
            prop_assert!(xml.contains(content));
        }
        let _ = text(&xml, "k");
    }
}
