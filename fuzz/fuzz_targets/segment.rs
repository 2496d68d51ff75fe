//! Searches for hostile segments by coverage. See `README.md`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared_value_tests::hostile::run(bytes));
