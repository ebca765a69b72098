//! Crates that forbid as many lints as possible.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub, unused, nonstandard_style, rust_2018_idioms, future_incompatible)]
#![deny(unused_qualifications, trivial_casts, single_use_lifetimes, let_underscore_drop, missing_debug_implementations)]

use atevery::{Run, every};

#[every("2s", "fast", 5)]
#[every("5s", "slow", 6, name = "slow", tag = "tag")]
fn print_time(_run: Run, name: &str, count: u64) {
    println!("{name} {count}");
}

#[every("2s", vec![1])]
async fn asynchronous(_list: Vec<u8>) -> Result<(), std::io::Error> {
    Ok(())
}

#[every("1m", blocking)]
fn sweep() {}

fn main() {}
