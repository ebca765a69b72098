//! The conformance suite: tests that a runtime gives the scheduler everything that the scheduler needs.
//!
//! Every adapter of this crate passes the suite. To test an adapter for another executor, call the macro
//! [`conformance!`](macro@crate::testing::conformance) once in a test file:
//!
//! ```
//! use atevery::runtime::Standalone;
//! use atevery::testing::conformance;
//!
//! conformance!(standalone, Standalone::new());
//! # fn main() {}
//! ```
//!
//! The macro makes one test for each check: `standalone::timing::interval`, `standalone::stop::timeout_stuck` and so
//! on. Each test evaluates the expression anew.
//!
//! The expression is the runtime itself if the executor makes progress by itself, has several threads, and the adapter
//! has a blocking pool. Otherwise the expression is a [`Host`], which describes the runtime:
//!
//! - [`Host::driven`]: the executor makes progress only while a thread drives the executor.
//! - [`Host::single_threaded`], [`Host::without_blocking_pool`]: the runtime has one thread, or no blocking pool.
//!   Checks that need several threads or a pool pass, and print that they were skipped.
//! - [`Host::on_shut_down`]: the runtime can be shut down while schedulers use the runtime.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_executor::Executor;
//! use atevery::runtime::AsyncIo;
//! use atevery::testing::conformance;
//! use atevery::testing::conformance::Host;
//!
//! fn bare_executor() -> Host {
//!     let executor = Arc::new(Executor::new());
//!     let runtime = (Arc::clone(&executor), AsyncIo);
//!     Host::driven(runtime, move |shut_down| async_io::block_on(executor.run(shut_down))).single_threaded()
//! }
//!
//! conformance!(bare_executor, bare_executor());
//! # fn main() {}
//! ```
//!
//! Each check is also a plain function. [`watched`]`(make_host, check)` runs one check, for example in a test harness
//! of your own. Checks sleep for real. All bounds are one-sided and generous, so checks pass on a slow, busy machine. A
//! check that does not end fails after a minute, and the message names the check.
//!
//! ```
//! use atevery::runtime::Standalone;
//! use atevery::testing::conformance;
//!
//! conformance::watched(Standalone::new, conformance::adapter::futures_run);
//! ```

mod host;
mod probe;
mod scene;
pub(super) mod waiting;
pub(super) mod watchdog;

pub mod adapter;
pub mod blocking;
pub mod faults;
pub mod odd_stops;
pub mod options;
pub mod restart;
pub mod shutdown;
pub mod stop;
pub mod timing;

pub use host::Host;
pub use watchdog::watched;

/// Makes a module of tests, one for each check of the [conformance suite](mod@crate::testing::conformance).
///
/// Call `conformance!(name, runtime)` where a module may stand, in code that is compiled for tests. `runtime` is an
/// expression of a type that implements [`Runtime`](crate::runtime::Runtime), or a
/// [`Host`](crate::testing::conformance::Host). Each check evaluates the expression anew. `name` is the name of the
/// module, and must differ from the names of crates in use. Attributes before `name` apply to the module.
///
/// ```
/// # use atevery::runtime::Standalone;
/// use atevery::testing::conformance;
///
/// conformance!(standalone, Standalone::new());
/// # fn main() {}
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance {
    ($(#[$attribute:meta])* $name:ident, $runtime:expr $(,)?) => {
        $(#[$attribute])*
        mod $name {
            // A separate module, so that no check shadows a name in the expression.
            #[allow(unused_imports)]
            mod subject {
                use super::super::*;

                #[allow(dead_code)]
                pub(super) fn host() -> $crate::testing::conformance::Host {
                    ::core::convert::Into::into($runtime)
                }
            }

            $crate::__conformance_tests! {
                adapter {
                    futures_run, futures_spawn_futures, blocking_work_runs, clock_goes_on, wall_clock_goes_on,
                    past_deadline, near_deadline, far_deadline, latest_waker, after_shut_down,
                }
                timing { interval, target_shapes, no_early_run, aligned, periods, one_instance, order }
                faults { panic_in_call, panic_in_future, panic_in_blocking_job, panic_in_destructor, error }
                blocking { repeats, beside_the_executor, beside_a_stuck_run, among_few, among_many, sees_cancellation }
                stop {
                    plain_cooperative, plain_stuck, plain_endless,
                    timeout_cooperative, timeout_stuck, timeout_endless, timeout_zero,
                    detach_cooperative, detach_stuck, detach_endless,
                    grace_cooperative, grace_stuck, grace_endless,
                    grace_triggered, grace_then_timeout, next_await,
                }
                odd_stops {
                    before_start, twice, at_the_same_time, never_polled, dropped_half_way, on_the_runtime,
                    inside_a_job, inside_a_blocking_job, detach_inside_a_job,
                }
                options {
                    time_limit, time_limit_of_blocking_code, attempt_limit, state, retry, retry_of_blocking_code,
                    replaced, several_at_once, group_of_one, told_to_end, control,
                }
                restart { again, with_a_straggler, started_twice, while_stopping }
                shutdown { last_scheduler_dropped, runtime_gone, runtime_gone_beside_a_stuck_run, runtime_gone_during_a_stop }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($($group:ident { $($check:ident),* $(,)? })*) => {
        $(mod $group {
            $(#[test]
            fn $check() {
                $crate::testing::conformance::watched(
                    super::subject::host,
                    $crate::testing::conformance::$group::$check,
                );
            })*
        })*
    };
}

#[doc(inline)]
pub use crate::__conformance as conformance;

#[cfg(test)]
mod tests {
    /// A check that the macro does not name would never run.
    #[test]
    fn macro_names_every_check() {
        let groups = [
            ("adapter", include_str!("adapter.rs")),
            ("blocking", include_str!("blocking.rs")),
            ("faults", include_str!("faults.rs")),
            ("odd_stops", include_str!("odd_stops.rs")),
            ("options", include_str!("options.rs")),
            ("restart", include_str!("restart.rs")),
            ("shutdown", include_str!("shutdown.rs")),
            ("stop", include_str!("stop.rs")),
            ("timing", include_str!("timing.rs")),
        ];
        for (group, source) in groups {
            let mut checks: Vec<&str> = source
                .lines()
                .filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next())
                .collect();
            checks.sort_unstable();
            assert_eq!(named_by_macro(group), checks, "{group}");
        }
    }

    fn named_by_macro(group: &str) -> Vec<&'static str> {
        let (_, from_group) = include_str!("mod.rs")
            .split_once(&format!("                {group} {{"))
            .expect("the macro has the group");
        let (checks, _) = from_group.split_once('}').expect("the group ends");
        let mut checks: Vec<&str> = checks
            .split(',')
            .map(str::trim)
            .filter(|check| !check.is_empty())
            .collect();
        checks.sort_unstable();
        checks
    }
}
