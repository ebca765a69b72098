//! The conformance suite finds each fault, and each of its checks finds one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use atevery::testing::ledger_conformance::{Store, at_least_once, claims, clocks, ends, leases, races, rows};

use crate::faulty::{FAULTS, Fault, Faulty};
use crate::on_a_clock;

type Check = fn(Store);

macro_rules! checks {
    ($($group:ident::$check:ident: $($fault:ident)*,)*) => {
        &[$((concat!(stringify!($group), "::", stringify!($check)), $group::$check, &[$(Fault::$fault),*])),*]
    };
}

/// The checks, and for each some faults that it finds.
const CHECKS: &[(&str, Check, &[Fault])] = checks! {
    at_least_once::after_the_lease: LeaseForEver NeverAtLeastOnce TokenOfTheSlot,
    at_least_once::after_the_return: NeverAtLeastOnce KeepsLeaseAfterReturn ReturnFinishes,
    at_least_once::during_the_lease: AtLeastOnceSteals NoLease WaitsNotAtAll,
    at_least_once::only_if_asked_for: AlwaysAtLeastOnce,
    at_least_once::former_holder: FinishesBySlot RenewsForAnybody FinishesForAnybody,
    claims::first: MixesUpHolder,
    claims::once: ByDuration ForgetsFinish DeletesOnFinish,
    claims::earlier: GrantsEarlier,
    claims::later: NoLease KeepsLeaseAfterFinish WaitsTooLong,
    claims::refused: WritesRefused,
    claims::unpolled: Eager,
    claims::without_a_lease: LeaseForEver FinishesNotLate,
    claims::again: RefusesRepetition RefusesLateRepetition NewTokenForRepetition,
    clocks::too_early: TakesAnySlot WaitsTooLong WaitsNotAtAll,
    clocks::wait: WaitsNotAtAll,
    clocks::nearly_there: NoTolerance,
    clocks::set_back_a_little: DiscardsAnyAhead GrantsEarlier,
    clocks::set_back_far: KeepsImpossible DiscardsToken DiscardsSilently,
    ends::finished: KeepsLeaseAfterFinish DeletesOnFinish,
    ends::given_back: ReturnFreesSlot RepeatsAfterReturn ReturnFinishes,
    ends::twice: UndoesFinish,
    ends::after_the_lease: FinishesNotLate,
    ends::of_an_old_run: FinishesForAnybody,
    ends::of_an_unknown_job: FinishMakesRow,
    leases::over: LeaseForEver,
    leases::wait: WaitsTooLong WaitsNotAtAll,
    leases::renewed: RenewsNot RenewalAddsUp,
    leases::renewed_from_now: RenewalAddsUp RenewsNot,
    leases::renewed_too_late: RenewsOver,
    leases::renewed_after_the_end: RenewsEnded,
    leases::renewed_by_another: RenewsByHolder RenewsForAnybody,
    leases::longest: ShortLeases,
    races::slots: NotAtomic ResetsToken,
    races::returned_slot: NotAtomic,
    rows::token_grows: TokenJumps ResetsToken,
    rows::names: IgnoresCase CutsNames TrimsNames EndsNamesAtZero,
    rows::nanoseconds: Microseconds,
    rows::old_slots: Unsigned,
    rows::never_deleted: DeletesOld,
};

#[test]
fn ledger_without_a_fault_passes() {
    for (name, check, _) in CHECKS {
        assert!(passes(*check, Fault::None), "{name}");
    }
}

#[test]
fn each_check_finds_its_faults() {
    for (name, check, faults) in CHECKS {
        assert!(!faults.is_empty(), "{name} finds nothing");
        for fault in *faults {
            assert!(!passes(*check, *fault), "{name} does not find {fault:?}");
        }
    }
}

#[test]
fn each_fault_is_found() {
    let found: Vec<Fault> = CHECKS.iter().flat_map(|(.., faults)| *faults).copied().collect();
    for fault in FAULTS {
        assert!(
            *fault == Fault::None || found.contains(fault),
            "no check finds {fault:?}"
        );
    }
}

fn passes(check: Check, fault: Fault) -> bool {
    let store = on_a_clock(|clock| Faulty::new(fault, clock));
    catch_unwind(AssertUnwindSafe(|| check(store))).is_ok()
}

/// A check that is missing here might find nothing.
#[test]
fn each_check_is_here() {
    let sources = [
        (
            "at_least_once",
            include_str!("../../src/testing/ledger_conformance/at_least_once.rs"),
        ),
        ("claims", include_str!("../../src/testing/ledger_conformance/claims.rs")),
        ("clocks", include_str!("../../src/testing/ledger_conformance/clocks.rs")),
        ("ends", include_str!("../../src/testing/ledger_conformance/ends.rs")),
        ("leases", include_str!("../../src/testing/ledger_conformance/leases.rs")),
        ("races", include_str!("../../src/testing/ledger_conformance/races.rs")),
        ("rows", include_str!("../../src/testing/ledger_conformance/rows.rs")),
    ];
    let of_macro = include_str!("../../src/testing/ledger_conformance/mod.rs");
    let mut checks = 0;
    for (group, source) in sources {
        let (_, in_group) = of_macro.split_once(&format!("                {group} {{")).unwrap();
        let (in_group, _) = in_group.split_once('}').unwrap();
        let in_macro: Vec<&str> = in_group.split(',').map(str::trim).collect();
        for line in source.lines() {
            let Some(check) = line.strip_prefix("pub fn ").and_then(|rest| rest.split('(').next()) else {
                continue;
            };
            let name = format!("{group}::{check}");
            assert!(CHECKS.iter().any(|(known, ..)| *known == name), "{name} has no fault");
            assert!(in_macro.contains(&check), "the macro makes no test of {name}");
            checks += 1;
        }
    }
    assert_eq!(checks, CHECKS.len());
}
