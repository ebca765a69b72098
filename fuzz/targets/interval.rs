#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| atevery_fuzz::interval_parser::check(text));
