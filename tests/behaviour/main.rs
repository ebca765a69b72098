//! The contract, rule by rule, on virtual time and on runtimes of the tests' own.

mod clock;
mod drop;
mod errors;
mod grace_and_timeout;
mod many;
mod naive;
mod overlap;
mod panics;
mod races;
mod refusals;
mod removal;
mod runtime_traits;
mod start_stop;
mod support;
mod targets;
mod threads;
mod time;
