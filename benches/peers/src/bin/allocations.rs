//! The same measurement in a process whose allocator counts. A binary of its own, because counting costs time.

use std::alloc::System;
use std::process::exit;

use peers::Error;
use peers::measure::measure;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Error> {
    let argument = std::env::args().nth(1).ok_or("a measurement in JSON is wanted")?;
    let record = measure(&serde_json::from_str(&argument)?, allocations)?;
    println!("{}", serde_json::to_string(&record)?);
    exit(0); // Without the destructors of runtimes that are still at work.
}

fn allocations() -> Option<u64> {
    let stats = ALLOCATOR.stats();
    Some((stats.allocations + stats.reallocations) as u64)
}
