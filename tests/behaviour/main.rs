//! The contract, rule by rule, on virtual time and on runtimes of the tests' own.

mod clock;
mod drop;
mod ends;
mod errors;
mod events;
mod fixed_delay;
mod grace_and_timeout;
mod jitter;
mod many;
mod naive;
mod overlap;
mod panics;
mod pause;
mod races;
mod refusals;
mod removal;
mod runtime_traits;
mod set_interval;
mod start_stop;
mod status;
mod support;
mod targets;
mod threads;
mod time;
mod time_limit;
mod trigger;
