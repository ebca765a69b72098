//! The model must refuse wrong traces, although it asks an oracle that has seen the trace.

use crate::determinism::scenarios;
use crate::scenario::Scenario;
use crate::trace::{Event, Seen};
use crate::{model, play};

#[test]
fn what_was_seen_is_accepted() {
    of_each(|scenario, seen| assert_eq!(model::check(scenario, seen), Ok(()), "{scenario}"));
}

#[test]
fn a_missing_event_is_refused() {
    refused_at_each(|trace, index| drop(trace.remove(index)));
}

#[test]
fn an_event_too_many_is_refused() {
    refused_at_each(|trace, index| trace.insert(index, trace[index].clone()));
}

#[test]
fn an_event_a_nanosecond_early_or_late_is_refused() {
    refused_at_each(|trace, index| trace[index].moment.at -= 1);
    refused_at_each(|trace, index| trace[index].moment.at += 1);
}

/// Changes each event of each trace in turn.
fn refused_at_each(change: impl Fn(&mut Vec<Event>, usize)) {
    of_each(|scenario, seen| {
        let trace = seen.trace.clone();
        for index in 0..trace.len() {
            change(&mut seen.trace, index);
            let verdict = model::check(scenario, seen);
            assert!(verdict.is_err(), "{scenario}\nevent {index}: {}", trace[index]);
            seen.trace.clone_from(&trace);
        }
    });
}

fn of_each(mut look: impl FnMut(&Scenario, &mut Seen)) {
    for scenario in scenarios(60) {
        look(&scenario, &mut play::play(&scenario));
    }
}
