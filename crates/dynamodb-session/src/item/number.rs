//! Number text: what a stored `N` may say, what `DynamoDB` takes, and what it weighs.

/// The text of a decimal number, taken apart.
///
/// Accepts what JSON and JavaScript's `Number()` both call a decimal number, so also `+1`, `.5`, `1.` and `007`.
pub(super) struct Number<'a> {
    text: &'a str,
    negative: bool,
    integer: &'a str,
    fraction: Option<&'a str>,
    exponent: Option<i64>,
}

/// Why `DynamoDB` would refuse a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Magnitude,
    Digits,
}

impl<'a> Number<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
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
    pub(super) fn check(&self) -> Result<(), Refusal> {
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

    pub(super) fn is_zero(&self) -> bool {
        self.significant().is_none()
    }

    /// Bytes it counts towards the item's size: one per two significant digits on either side of the point, and one,
    /// and one more below zero. Engines that measured AWS agree, the documentation says "approximately".
    pub(super) fn size(&self) -> usize {
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
    pub(super) fn is_json(&self) -> bool {
        let padded = self.integer.len() > 1 && self.integer.starts_with('0');
        !self.text.starts_with('+')
            && !self.integer.is_empty()
            && !padded
            && self.fraction != Some("")
    }

    /// Appends it as JSON writes numbers: verbatim if its text is that already.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
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
mod tests {
    use super::{Number, Refusal};

    #[test]
    fn grammar_and_normal_form() {
        for (text, json) in [
            ("0", "0"),
            ("-0", "-0"),
            ("1.50", "1.50"),
            ("1e+21", "1e+21"),
            ("1E-7", "1E-7"),
            ("+1", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1.", "1"),
            ("007", "7"),
            ("00.10e+05", "0.10e5"),
            ("1e99999999999", "1e99999999999"),
            ("+1e99999999999", "1e2147483647"),
        ] {
            let mut out = Vec::new();
            Number::parse(text).expect(text).write_json(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), json, "{text}");
        }
        for text in [
            "", "-", "+", ".", "e1", "1e", "1e+", "--1", "+-1", "0x10", "NaN", "Infinity", "inf",
            " 1", "1 ", "1_0", "1.2.3", "1e1.5", "1e2e3", "١", "1,5", "-.e1",
        ] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn range_and_digits() {
        let nines = |count| "9".repeat(count);
        let check = |text: &str| Number::parse(text).expect(text).check();
        for text in [
            "0",
            "-0",
            "0e999",
            "1e-130",
            "-1E-130",
            "9.9e125",
            "1e125",
            "0.001e128",
            "123e123",
            "1.7976931348623157e+100",
            "100000000000000000000000000000000000000000000000000", // trailing zeros are not significant
            "0.00000000000000000000000000000000000000000000000001",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        assert_eq!(check(&nines(38)), Ok(()));
        assert_eq!(check(&format!("9.{}e125", nines(37))), Ok(()));
        assert_eq!(check(&nines(39)), Err(Refusal::Digits));
        assert_eq!(
            check(&format!("1{}1", "0".repeat(37))),
            Err(Refusal::Digits)
        );
        for text in [
            "1e126",
            "-1e126",
            "10e125",
            "9.9e-131",
            "0.1e-130",
            "5e-324",
            "1e99999999999",
            "1e-99999999999",
        ] {
            assert_eq!(check(text), Err(Refusal::Magnitude), "{text}");
        }
    }

    #[test]
    fn size() {
        // Measured against engines that agree with DynamoDB to the byte.
        for (text, size) in [
            ("0", 1),
            ("7", 2),
            ("1795338490", 6),
            ("-1795338491", 7),
            ("100", 2),
            ("0.001", 2),
            ("12345678901234567890123456789012345678", 20),
            ("1.5", 3),
            ("-12.345", 5),
            ("1e100", 2),
            ("-0", 1),
        ] {
            assert_eq!(Number::parse(text).expect(text).size(), size, "{text}");
        }
    }
}
