//! How many bytes of the heap are in use.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

pub(crate) fn live_bytes() -> i64 {
    let stats = ALLOCATOR.stats();
    // The counters only grow, and may pass the end of their range.
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated) as i64
}
