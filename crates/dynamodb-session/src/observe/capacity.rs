//! How many capacity units a call consumed, in thousandths, because an eventually consistent read can cost half a unit.

use crate::item::size_of_item;

/// The capacity units an answer reports, in thousandths.
///
/// Visitors cannot imitate the report: the value of an attribute is an object, and quotes inside strings are escaped.
/// Only the service's own member is followed by a digit.
pub(crate) fn reported(answer: &[u8]) -> u64 {
    const MEMBER: &[u8] = b"\"CapacityUnits\":";
    let mut units = 0.0;
    let mut rest = answer;
    while let Some(at) = memchr::memmem::find(rest, MEMBER) {
        rest = &rest[at + MEMBER.len()..];
        let digits = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || b".eE+-".contains(byte))
            .count();
        let number = str::from_utf8(&rest[..digits]).unwrap_or_default();
        units += number.parse::<f64>().unwrap_or_default();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and no answer charges less than nothing"
    )]
    let milli_units = (units * 1000.0).round() as u64;
    milli_units
}

/// The capacity units of a write whose condition failed, in thousandths. The answer does not report them.
///
/// The write is charged for the item on which the condition failed: one unit per started KB, at least one.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate>
pub(crate) fn of_failed_condition(answer: &[u8]) -> u64 {
    let bytes = size_of_item(answer).unwrap_or_default();
    u64::try_from(bytes.div_ceil(1024).max(1) * 1000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_the_services_and_not_an_items() {
        for (answer, milli) in [
            (
                r#"{"ConsumedCapacity":{"TableName":"t","CapacityUnits":0.5},"Item":{}}"#,
                500,
            ),
            (
                r#"{"Item":{"CapacityUnits":{"N":"7"},"s":{"S":"\"CapacityUnits\":9"}}}"#,
                0,
            ),
            (
                r#"{"ConsumedCapacity":[{"CapacityUnits":1},{"CapacityUnits":2.0}]}"#,
                3000,
            ),
            ("", 0),
            (r#"{"CapacityUnits":"#, 0),
            (r#"{"CapacityUnits":-1}"#, 0),
        ] {
            assert_eq!(reported(answer.as_bytes()), milli, "{answer}");
        }
    }
}
