//! The conformance suite for ledgers: tests of the [rules](crate::ledger#the-rules-of-a-ledger) that every ledger must
//! follow.
//!
//! Every ledger of this crate passes the suite. To test a ledger of your own, call the macro
//! [`ledger_conformance!`](macro@crate::testing::ledger_conformance) once in a test file:
//!
//! ```
//! use atevery::ledger::Memory;
//! use atevery::testing::ledger_conformance;
//!
//! ledger_conformance!(memory, Memory::new());
//! # fn main() {}
//! ```
//!
//! The macro makes one test for each check: `memory::claims::once`, `memory::leases::over` and so on. Each test
//! evaluates the expression anew, and needs a ledger without rows.
//!
//! The expression is the ledger itself, or a [`Store`]. A store also has the function that sets the clock of the
//! ledger's store ([`Store::clock`]), and the function that runs futures to their end ([`Store::block_on`]). Without a
//! clock, checks use short leases and sleep. All bounds are one-sided and generous, so checks pass on a slow, busy
//! machine. Checks that need a clock pass, and print that they were skipped.
//!
//! Each check is also a plain function. [`watched`]`(make_store, check)` runs one check:
//!
//! ```
//! use atevery::ledger::Memory;
//! use atevery::testing::ledger_conformance;
//!
//! ledger_conformance::watched(Memory::new, ledger_conformance::claims::once);
//! ```

mod scene;
mod store;

pub mod at_least_once;
pub mod claims;
pub mod clocks;
pub mod ends;
pub mod leases;
pub mod races;
pub mod rows;

use std::any;

pub use self::store::Store;
use super::conformance::watchdog;

/// Runs `check` on a fresh store. If the check takes longer than a minute, panics with the name of the check.
///
/// # Panics
///
/// Panics if the check fails or takes longer.
pub fn watched<S: Into<Store>>(store: impl FnOnce() -> S + Send + 'static, check: impl FnOnce(Store) + Send + 'static) {
    watchdog::limited(any::type_name_of_val(&check), move || check(store().into()));
}

/// Makes a module of tests, one for each check of the [conformance suite](mod@crate::testing::ledger_conformance) for
/// ledgers.
///
/// Call `ledger_conformance!(name, ledger)` where a module may stand, in code that is compiled for tests. `ledger` is
/// an expression of a type that implements [`Ledger`](crate::ledger::Ledger), or a
/// [`Store`](crate::testing::ledger_conformance::Store). Each check evaluates the expression anew. `name` is the name
/// of the module, and must differ from the names of crates in use. Attributes before `name` apply to the module.
///
/// ```
/// # use atevery::ledger::Memory;
/// use atevery::testing::ledger_conformance;
///
/// ledger_conformance!(memory, Memory::new());
/// # fn main() {}
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __ledger_conformance {
    ($(#[$attribute:meta])* $name:ident, $ledger:expr $(,)?) => {
        $(#[$attribute])*
        mod $name {
            // A separate module, so that no check shadows a name in the expression.
            #[allow(unused_imports)]
            mod subject {
                use super::super::*;

                #[allow(dead_code)]
                pub(super) fn store() -> $crate::testing::ledger_conformance::Store {
                    ::core::convert::Into::into($ledger)
                }
            }

            $crate::__ledger_conformance_tests! {
                at_least_once { after_the_lease, after_the_return, during_the_lease, only_if_asked_for, former_holder }
                claims { first, once, earlier, later, refused, unpolled, without_a_lease, again }
                clocks { too_early, wait, nearly_there, set_back_a_little, set_back_far }
                ends { finished, given_back, twice, after_the_lease, of_an_old_run, of_an_unknown_job }
                leases {
                    over, wait, renewed, renewed_from_now, renewed_too_late, renewed_after_the_end, renewed_by_another,
                    longest,
                }
                races { slots, returned_slot }
                rows { token_grows, names, nanoseconds, old_slots, never_deleted }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __ledger_conformance_tests {
    ($($group:ident { $($check:ident),* $(,)? })*) => {
        $(mod $group {
            $(#[test]
            fn $check() {
                $crate::testing::ledger_conformance::watched(
                    super::subject::store,
                    $crate::testing::ledger_conformance::$group::$check,
                );
            })*
        })*
    };
}

#[doc(inline)]
pub use crate::__ledger_conformance as ledger_conformance;
