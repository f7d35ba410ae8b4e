use super::*;

/// What Python's `shlex.split`, with which botocore splits, makes of each line. `None`: an error.
const SHELL: &[(&str, Option<&[&str]>)] = &[
    ("", Some(&[])),
    ("  ", Some(&[])),
    ("a b", Some(&["a", "b"])),
    ("  a   b\tc ", Some(&["a", "b", "c"])),
    ("a 'b c' d", Some(&["a", "b c", "d"])),
    (r#"a "b c" d"#, Some(&["a", "b c", "d"])),
    (r"a\ b c", Some(&["a b", "c"])),
    (r#""""#, Some(&[""])),
    ("''", Some(&[""])),
    (r#"a"b"c"#, Some(&["abc"])),
    ("a'b'c", Some(&["abc"])),
    (r#""a\"b""#, Some(&[r#"a"b"#])),
    (r#""a\\b""#, Some(&[r"a\b"])),
    (r#""a\nb""#, Some(&[r"a\nb"])),
    (r"'a\b'", Some(&[r"a\b"])),
    (r"a\\b", Some(&[r"a\b"])),
    ("a #b", Some(&["a", "#b"])),
    (r#""a"#, None),
    ("'a", None),
    (r"a\", None),
    (r#""a\"#, None),
    (
        r#"/opt/get --name "x y" --json '{"a": 1}'"#,
        Some(&["/opt/get", "--name", "x y", "--json", r#"{"a": 1}"#]),
    ),
    ("é ü", Some(&["é", "ü"])),
    ("a\nb", Some(&["a", "b"])),
    (
        r#"C:\Program Files\x.exe "a b""#,
        Some(&["C:Program", "Filesx.exe", "a b"]),
    ),
    (
        r#""C:\Program Files\x.exe" -p a"#,
        Some(&[r"C:\Program Files\x.exe", "-p", "a"]),
    ),
    (r#"a\"b"#, Some(&[r#"a"b"#])),
    (r#"a\\"b c""#, Some(&[r"a\b c"])),
    (r"\\host\x y", Some(&[r"\hostx", "y"])),
    (r#"a"" b"#, Some(&["a", "b"])),
    (r#""" a"#, Some(&["", "a"])),
    (r#"x\\\"y"#, Some(&[r#"x\"y"#])),
];

/// The same of botocore's own function for Windows.
const WINDOWS: &[(&str, Option<&[&str]>)] = &[
    ("", Some(&[])),
    ("  ", Some(&[])),
    ("a b", Some(&["a", "b"])),
    ("  a   b\tc ", Some(&["a", "b", "c"])),
    ("a 'b c' d", Some(&["a", "'b", "c'", "d"])),
    (r#"a "b c" d"#, Some(&["a", "b c", "d"])),
    (r"a\ b c", Some(&[r"a\", "b", "c"])),
    (r#""""#, Some(&[""])),
    ("''", Some(&["''"])),
    (r#"a"b"c"#, Some(&["abc"])),
    ("a'b'c", Some(&["a'b'c"])),
    (r#""a\"b""#, Some(&[r#"a"b"#])),
    (r#""a\\b""#, Some(&[r"a\\b"])),
    (r#""a\nb""#, Some(&[r"a\nb"])),
    (r"'a\b'", Some(&[r"'a\b'"])),
    (r"a\\b", Some(&[r"a\\b"])),
    ("a #b", Some(&["a", "#b"])),
    (r#""a"#, None),
    ("'a", Some(&["'a"])),
    (r"a\", Some(&[r"a\"])),
    (r#""a\"#, None),
    (
        r#"/opt/get --name "x y" --json '{"a": 1}'"#,
        Some(&["/opt/get", "--name", "x y", "--json", "'{a:", "1}'"]),
    ),
    ("é ü", Some(&["é", "ü"])),
    ("a\nb", Some(&["a\nb"])),
    (
        r#"C:\Program Files\x.exe "a b""#,
        Some(&[r"C:\Program", r"Files\x.exe", "a b"]),
    ),
    (
        r#""C:\Program Files\x.exe" -p a"#,
        Some(&[r"C:\Program Files\x.exe", "-p", "a"]),
    ),
    (r#"a\"b"#, Some(&[r#"a"b"#])),
    (r#"a\\"b c""#, Some(&[r"a\b c"])),
    (r"\\host\x y", Some(&[r"\\host\x", "y"])),
    (r#"a"" b"#, Some(&["a", "b"])),
    (r#""" a"#, Some(&["", "a"])),
    (r#"x\\\"y"#, Some(&[r#"x\"y"#])),
];

#[test]
fn lines_are_split_as_botocore_splits_them() {
    for (cases, split) in [
        (SHELL, as_a_shell_does as fn(&str) -> _),
        (WINDOWS, as_windows_does),
    ] {
        for (line, expected) in cases {
            let words = split(line).ok();
            let words = words
                .as_ref()
                .map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(words, expected.map(<[&str]>::to_vec), "{line}");
        }
    }
}
