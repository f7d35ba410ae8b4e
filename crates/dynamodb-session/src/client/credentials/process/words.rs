//! The words of a command line, as the AWS CLI splits it.

/// An error says what is wrong, and quotes nothing: the line may hold a secret.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    if cfg!(windows) {
        as_windows_does(line)
    } else {
        as_a_shell_does(line)
    }
}

const OPEN_QUOTE: &str = "a quotation mark is not closed";

/// The rules of POSIX for quotes and backslashes. Nothing is expanded.
fn as_a_shell_does(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    // `None` between two words. A pair of quotes makes a word, which may be empty.
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(OPEN_QUOTE)? {
                        '\'' => break,
                        char => word.push(char),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(OPEN_QUOTE)? {
                        '"' => break,
                        '\\' => match chars.next().ok_or(OPEN_QUOTE)? {
                            char @ ('"' | '\\') => word.push(char),
                            char => word.extend(['\\', char]),
                        },
                        char => word.push(char),
                    }
                }
            }
            '\\' => {
                let escaped = chars.next().ok_or("nothing follows the last backslash")?;
                word.get_or_insert_default().push(escaped);
            }
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The rules of the C runtime of Windows: only `"` quotes, and a backslash is one unless it stands before a quote.
fn as_windows_does(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut backslashes = 0;
    for char in line.chars() {
        match char {
            '\\' => {
                backslashes += 1;
                continue;
            }
            '"' => {
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', backslashes / 2));
                if backslashes % 2 == 1 {
                    word.push('"');
                } else {
                    is_quoted = !is_quoted;
                }
                backslashes = 0;
                continue;
            }
            _ => {}
        }
        if backslashes > 0 {
            let word = word.get_or_insert_default();
            word.extend(std::iter::repeat_n('\\', backslashes));
            backslashes = 0;
        }
        if matches!(char, ' ' | '\t') && !is_quoted {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(char);
        }
    }
    if is_quoted {
        return Err(OPEN_QUOTE);
    }
    if backslashes > 0 {
        let word = word.get_or_insert_default();
        word.extend(std::iter::repeat_n('\\', backslashes));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests;
