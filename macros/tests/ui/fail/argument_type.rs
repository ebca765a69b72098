use std::path::PathBuf;

use atevery::every;

#[every("2s", 5)]
fn number_for_text(_name: &str) {}

#[every("2s", "fast")]
fn text_for_string(_name: String) {}

#[every("2s", "fast", PathBuf::from("/tmp"), 300)]
fn third_is_wrong(_name: &str, _path: PathBuf, _flag: bool) {}

fn main() {}
