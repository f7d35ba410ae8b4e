//! Calendar dates as HTTP headers, request signatures and expiring credentials have them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY_SECS: u64 = 86_400;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The last second whose year has four digits: 9999-12-31T23:59:59Z.
const LAST_SECS: u64 = 253_402_300_799;

/// An instant in the form of signatures: `20261231T235959Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmzDate([u8; 16]);

impl AmzDate {
    /// Cuts off fractions of a second. A time outside of the years 1970 to 9999 becomes the nearest one inside.
    pub(crate) fn new(time: SystemTime) -> Self {
        let secs = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
            .min(LAST_SECS);
        let (year, month, day) = civil_from_days(secs / DAY_SECS);
        let of_day = secs % DAY_SECS;
        let mut text = *b"00000000T000000Z";
        put_digits(&mut text[0..4], year);
        put_digits(&mut text[4..6], month);
        put_digits(&mut text[6..8], day);
        put_digits(&mut text[9..11], of_day / 3600);
        put_digits(&mut text[11..13], of_day / 60 % 60);
        put_digits(&mut text[13..15], of_day % 60);
        Self(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The day, as `20261231`.
    pub(crate) fn day(&self) -> [u8; 8] {
        let mut day = [0; 8];
        day.copy_from_slice(&self.0[..8]);
        day
    }
}

fn put_digits(into: &mut [u8], mut value: u64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// It counts years from March, so that a leap day is the last day of its year and month lengths follow a formula.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let era = days / 146_097; // of 400 years
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`]; `None` for a day that is not in the calendar or is before 1970.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let march_year = year - u64::from(month <= 2);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_era = march_year % 400;
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let days = march_year / 400 * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days.checked_sub(719_468)?;
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

/// Reads a `Date` header in the only form that RFC 9110 allows servers to send: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The weekday is not checked, because the date already determines it.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    let (_, date) = text.trim().split_once(", ")?;
    let mut parts = date.split(' ');
    let day = number(parts.next()?, 2)?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? + 1;
    let year = number(parts.next()?, 4)?;
    let clock = parts.next()?;
    if parts.next() != Some("GMT") || parts.next().is_some() {
        return None;
    }
    let secs = secs_of([year, u64::try_from(month).ok()?, day], clock)?;
    Some(UNIX_EPOCH + Duration::from_secs(secs))
}

/// Reads a time as expiring credentials and tokens have it: `2026-12-31T23:59:59Z`.
///
/// As in botocore, the second may have a fraction, a blank may stand for `T`, and `UTC` or an offset for `Z`. A time
/// without a zone is refused: whose time it is would be a guess.
pub(crate) fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.trim().split_at_checked(10)?;
    let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let after = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
            (after.len() < fraction.len()).then_some(after)?
        }
        None => rest,
    };
    let secs = secs_of(numbers(date, '-', [4, 2, 2])?, clock)?;
    let (ahead, offset) = offset_secs(rest.trim_start())?;
    let secs = if ahead {
        secs.checked_sub(offset)?
    } else {
        secs + offset
    };
    Some(UNIX_EPOCH + Duration::from_secs(secs))
}

/// Whether a zone is ahead of UTC, and by how much it differs.
fn offset_secs(zone: &str) -> Option<(bool, u64)> {
    if ["Z", "UTC", "GMT"]
        .iter()
        .any(|name| zone.eq_ignore_ascii_case(name))
    {
        return Some((true, 0));
    }
    let (ahead, digits) = match zone.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (false, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None => digits.split_at_checked(2)?,
    };
    let minutes = if minutes.is_empty() {
        0
    } else {
        number(minutes, 2).filter(|minutes| *minutes < 60)?
    };
    let hours = number(hours, 2).filter(|hours| *hours < 24)?;
    Some((ahead, hours * 3600 + minutes * 60))
}

/// An instant as `2026-12-31T23:59:59Z`. It cuts off and limits like [`AmzDate::new`].
pub(crate) fn timestamp(time: SystemTime) -> String {
    let date = AmzDate::new(time);
    let part = |range: std::ops::Range<usize>| String::from_utf8_lossy(&date.0[range]).into_owned();
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4),
        part(4..6),
        part(6..8),
        part(9..11),
        part(11..13),
        part(13..15)
    )
}

/// The seconds since the epoch of year, month and day, and a time of day such as `23:59:59`.
fn secs_of([year, month, day]: [u64; 3], clock: &str) -> Option<u64> {
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    // 60 is a leap second.
    let in_range = hour < 24 && minute < 60 && second <= 60;
    let days = days_from_civil(year, month, day).filter(|_| in_range)?;
    Some(days * DAY_SECS + hour * 3600 + minute * 60 + second)
}

/// The numbers of a text such as `12:59:59`, if they have these many digits.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for (value, digits) in found.iter_mut().zip(digits) {
        *value = number(parts.next()?, digits)?;
    }
    parts.next().is_none().then_some(found)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
