//! The size of items, as `DynamoDB` charges it.

/// The size `DynamoDB` charges for an item, in bytes, from its attributes' names and sizes of values.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub(crate) fn item_size<'a>(attributes: impl IntoIterator<Item = (&'a str, usize)>) -> usize {
    attributes
        .into_iter()
        .map(|(name, size)| name.len() + size)
        .sum()
}
