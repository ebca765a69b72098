//! Time and allocations of the core, by number and kind of jobs.
//!
//! ```sh
//! cargo bench --bench core                 # all
//! cargo bench --bench core -- ticks        # those whose path contains a word
//! ```
//!
//! The `alloc` rows are allocations in one operation. Items are runs, or jobs. Times need a quiet machine. Counts of
//! instructions are exact on a busy machine too: `cargo bench --bench instructions`.

mod cases;
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "its tests, and what the agenda alone doesn't need"
)]
#[path = "../src/time/mod.rs"]
mod time;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};

use cases::{Case, Operation};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = cases::ticks::all())]
fn ticks(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case);
}

#[divan::bench(args = cases::shapes::all())]
fn shapes(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case);
}

#[divan::bench(args = cases::handles::all(), sample_count = 20)]
fn handles(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case);
}

#[divan::bench(args = cases::coming::all(), sample_count = 20)]
fn coming(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case);
}

#[divan::bench(args = cases::agendas::all())]
fn agendas(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case);
}

#[divan::bench(args = cases::calendars::all())]
fn calendars(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case);
}

fn run(bencher: Bencher<'_, '_>, case: &Case) {
    let bencher = bencher.counter(ItemsCount::new(case.items));
    match &case.operation {
        Operation::Again(prepare) => bencher.bench_local(cases::warmed_up(prepare)),
        Operation::Once(prepare) => bencher.with_inputs(prepare).bench_local_values(|operation| operation()),
    }
}
