#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| atevery_fuzz::cron_parser::check(text));
