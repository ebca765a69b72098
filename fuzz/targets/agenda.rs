#![no_main]

use atevery_fuzz::agenda_operations::{Input, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Input| check(&input));
