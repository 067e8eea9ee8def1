#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| negawatt_fuzz_targets::grafana(bytes));
