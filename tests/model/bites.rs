//! The model must refuse wrong traces, although it asks an oracle that has seen the trace.

use crate::determinism::scenarios;
use crate::scenario::{Change, Op, Scenario};
use crate::trace::{Event, Seen, What};
use crate::{model, play};

/// Number of scenarios whose traces are changed.
const SCENARIOS: usize = 60;

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

#[test]
fn a_run_that_is_scheduled_or_due_or_has_missed_otherwise_is_refused() {
    refused_at_each_begin(|what| {
        if let What::Begin { scheduled, .. } = what {
            *scheduled += 1;
        }
    });
    refused_at_each_begin(|what| {
        if let What::Begin { due, .. } = what {
            *due += 1;
        }
    });
    refused_at_each_begin(|what| {
        if let What::Begin { missed, .. } = what {
            *missed += 1;
        }
    });
}

#[test]
fn the_scenarios_have_every_option_and_change() {
    let scenarios = scenarios(SCENARIOS);
    let specs = || scenarios.iter().flat_map(|scenario| &scenario.specs);
    let options = || specs().map(|spec| &spec.options);
    assert!(options().any(|options| options.jitter.is_some()));
    assert!(options().any(|options| options.times.is_some()));
    assert!(options().any(|options| options.until.is_some()));
    assert!(options().any(|options| options.fixed_delay));
    assert!(options().any(|options| options.timeout.is_some()));
    assert!(options().any(|options| options.replace));
    assert!(options().any(|options| options.skip));
    assert!(options().any(|options| options.allow.is_some()));
    assert!(options().any(|options| options.retry.is_some()));
    assert!(options().any(|options| options.group.is_some()));
    let steps = || scenarios.iter().flat_map(|scenario| &scenario.steps);
    let has =
        |is_it: fn(&Change) -> bool| steps().any(|step| matches!(&step.op, Op::Change(_, change) if is_it(change)));
    assert!(has(|change| matches!(change, Change::Pause)));
    assert!(has(|change| matches!(change, Change::Resume)));
    assert!(has(|change| matches!(change, Change::Trigger)));
    assert!(has(|change| matches!(change, Change::SetInterval(_))));
    assert!(has(|change| matches!(change, Change::Cancel)));
    assert!(specs().any(|spec| (0..4).any(|run| matches!(spec.inside_of(run), Some(Op::NextIn(_))))));
}

fn refused_at_each_begin(change: impl Fn(&mut What)) {
    refused_at(
        |event| matches!(event.what, What::Begin { .. }),
        |trace, index| change(&mut trace[index].what),
    );
}

/// Changes each event of each trace in turn.
fn refused_at_each(change: impl Fn(&mut Vec<Event>, usize)) {
    refused_at(|_| true, change);
}

fn refused_at(which: impl Fn(&Event) -> bool, change: impl Fn(&mut Vec<Event>, usize)) {
    of_each(|scenario, seen| {
        let trace = seen.trace.clone();
        for index in (0..trace.len()).filter(|index| which(&trace[*index])) {
            change(&mut seen.trace, index);
            let verdict = model::check(scenario, seen);
            assert!(verdict.is_err(), "{scenario}\nevent {index}: {}", trace[index]);
            seen.trace.clone_from(&trace);
        }
    });
}

fn of_each(mut look: impl FnMut(&Scenario, &mut Seen)) {
    for scenario in scenarios(SCENARIOS) {
        look(&scenario, &mut play::play(&scenario));
    }
}
