//! If an item of the user's crate has a name of the standard library, the macro does not use it.
#![no_implicit_prelude]
#![allow(dead_code, nonstandard_style, unused_macros)]

mod std {}
mod core {}
mod alloc {}
mod inventory {}
struct Result;
struct Box;
struct Option;
struct String;
struct Duration;
struct Job;
struct Run;
struct Error;
struct Scheduler;
trait Clone {}
trait Send {}
trait Fn {}

macro_rules! concat { ($($token:tt)*) => { broken }; }
macro_rules! module_path { ($($token:tt)*) => { broken }; }
macro_rules! line { ($($token:tt)*) => { broken }; }
macro_rules! submit { ($($token:tt)*) => { broken }; }

static job: u8 = 1;
static run: u8 = 2;
static argument_0: u8 = 3;

#[::atevery::every("2s", "fast", job, run, argument_0, name = "named", tag = "tag")]
fn print_time(_name: &str, _job: u8, _run: u8, _argument: u8) {}

#[::atevery::every("2s", 5)]
async fn with_run(_run: ::atevery::Run, _count: u64) -> ::std::result::Result<(), ::std::fmt::Error> {
    ::std::result::Result::Ok(())
}

fn main() {}
