//! Compression by deflate (RFC 1951).

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// The most bytes that compressed data may have once inflated: ten times the largest item of `DynamoDB`. More would
/// let one small item fill the memory.
pub(crate) const MAX_INFLATED: usize = 4 * 1024 * 1024;

/// Higher levels gain little on sessions, and take several times as long.
const LEVEL: u8 = 6;

pub(crate) fn compress(data: &[u8]) -> Vec<u8> {
    compress_to_vec(data, LEVEL)
}

/// `None` if the data are not compressed data, or have more than [`MAX_INFLATED`] bytes.
pub(super) fn inflate(data: &[u8]) -> Option<Vec<u8>> {
    decompress_to_vec_with_limit(data, MAX_INFLATED).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_is_inflated() {
        for data in [&b""[..], b"a", &vec![7; 100_000]] {
            assert_eq!(inflate(&compress(data)).as_deref(), Some(data));
        }
    }

    #[test]
    fn data_that_grow_too_large_are_refused() {
        assert!(inflate(&compress(&vec![0; MAX_INFLATED])).is_some());
        assert!(inflate(&compress(&vec![0; MAX_INFLATED + 1])).is_none());
    }

    #[test]
    fn damaged_data_are_refused() {
        let whole = compress(b"a session, a session, a session");
        for end in 0..whole.len() {
            assert!(inflate(&whole[..end]).is_none(), "{end}");
        }
        assert!(inflate(b"\xff\xff\xff").is_none());
    }
}
