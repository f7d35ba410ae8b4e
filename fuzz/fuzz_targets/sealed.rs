#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dynamodb_session_fuzz::sealed(input));
