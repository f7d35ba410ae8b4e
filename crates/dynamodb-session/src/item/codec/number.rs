//! Number text: what a stored `N` may say, what `DynamoDB` takes, and what it weighs.

use std::sync::LazyLock;

/// The struct as which `serde_json::Number` serializes, and is deserialized, when some crate of the program enables
/// `arbitrary_precision`.
pub(crate) const JSON: &str = "$serde_json::private::Number";

/// Whether a crate of the program enables it: no double holds this number.
pub(crate) static IS_ARBITRARY: LazyLock<bool> =
    LazyLock::new(|| serde_json::from_str::<serde_json::Number>("1e999").is_ok());

/// The digits that a double keeps, whatever they are.
const DIGITS_OF_DOUBLE: usize = 15;

/// The text of a decimal number, taken apart.
///
/// Accepts what JSON and JavaScript's `Number()` both call a decimal number, so also `+1`, `.5`, `1.` and `007`.
pub(crate) struct Number<'a> {
    text: &'a str,
    negative: bool,
    integer: &'a str,
    fraction: Option<&'a str>,
    exponent: Option<i64>,
}

/// Why `DynamoDB` would refuse a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Magnitude,
    Digits,
}

impl<'a> Number<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(parse_exponent(exponent)?)),
            None => (unsigned, None),
        };
        let (integer, fraction) = match mantissa.split_once('.') {
            Some((integer, fraction)) => (integer, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = integer.len() + fraction.map_or(0, str::len);
        let legal = digits > 0 && is_digits(integer) && fraction.is_none_or(is_digits);
        legal.then_some(Number {
            text,
            negative: text.starts_with('-'),
            integer,
            fraction,
            exponent,
        })
    }

    /// Whether `DynamoDB` takes it: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let Some((first, last)) = self.significant() else {
            return Ok(());
        };
        let magnitude = self.integer_digits(first).saturating_sub(1);
        if !(-130..=125).contains(&magnitude) {
            Err(Refusal::Magnitude)
        } else if last - first >= 38 {
            Err(Refusal::Digits)
        } else {
            Ok(())
        }
    }

    /// Whether its text comes back from a double. No number that `DynamoDB` holds is too large for one.
    pub(crate) fn fits_double(&self) -> bool {
        self.significant()
            .is_none_or(|(first, last)| last - first < DIGITS_OF_DOUBLE)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.significant().is_none()
    }

    /// Bytes it counts towards the item's size: one per two significant digits on either side of the point, and one,
    /// and one more below zero. Engines that measured AWS agree, the documentation says "approximately".
    pub(crate) fn size(&self) -> usize {
        let Some((first, last)) = self.significant() else {
            return 1;
        };
        let digits = last - first + 1;
        let before_point = usize::try_from(self.integer_digits(first))
            .unwrap_or(0)
            .min(digits);
        before_point.div_ceil(2)
            + (digits - before_point).div_ceil(2)
            + 1
            + usize::from(self.negative)
    }

    /// Whether its text is what JSON calls a number.
    pub(crate) fn is_json(&self) -> bool {
        let padded = self.integer.len() > 1 && self.integer.starts_with('0');
        !self.text.starts_with('+')
            && !self.integer.is_empty()
            && !padded
            && self.fraction != Some("")
    }

    /// Appends it as JSON writes numbers: verbatim if its text is that already.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        if self.is_json() {
            out.extend_from_slice(self.text.as_bytes());
            return;
        }
        if self.negative {
            out.push(b'-');
        }
        match self.integer.trim_start_matches('0') {
            "" => out.push(b'0'),
            integer => out.extend_from_slice(integer.as_bytes()),
        }
        if let Some(fraction) = self.fraction.filter(|fraction| !fraction.is_empty()) {
            out.push(b'.');
            out.extend_from_slice(fraction.as_bytes());
        }
        if let Some(exponent) = self.exponent {
            out.push(b'e');
            out.extend_from_slice(exponent.to_string().as_bytes());
        }
    }

    /// How many digits the number has before the point when its first significant digit stands at `first`; negative
    /// for zeros behind the point.
    fn integer_digits(&self, first: usize) -> i64 {
        let width = i64::try_from(self.integer.len()).unwrap_or(i64::MAX);
        let skipped = i64::try_from(first).unwrap_or(i64::MAX);
        (width - skipped).saturating_add(self.exponent.unwrap_or(0))
    }

    /// Where the first and the last digit other than zero stand; `None` for zero.
    fn significant(&self) -> Option<(usize, usize)> {
        let digits = || {
            self.integer
                .bytes()
                .chain(self.fraction.unwrap_or("").bytes())
        };
        let first = digits().position(|digit| digit != b'0')?;
        let trailing = digits().rev().position(|digit| digit != b'0')?;
        let count = self.integer.len() + self.fraction.map_or(0, str::len);
        Some((first, count - trailing - 1))
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An exponent too large for an `i32` is as good as the largest: nothing holds either.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !is_digits(digits) {
        return None;
    }
    let exponent = i64::from(digits.parse::<i32>().unwrap_or(i32::MAX));
    Some(if text.starts_with('-') {
        -exponent
    } else {
        exponent
    })
}

#[cfg(test)]
mod tests;
