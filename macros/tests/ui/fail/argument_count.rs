use atevery::{Run, every};

#[every("2s", "fast")]
fn takes_none() {}

#[every("2s", 1, 2)]
fn takes_one(_first: u8) {}

#[every("2s")]
fn lacks_one(name: &str) {
    println!("{name}");
}

#[every("2s")]
fn run_and_one(_run: Run, _name: String) {}

#[every("2s", 1)]
fn run_stands_first(_number: u8, _run: Run) {}

fn main() {}
