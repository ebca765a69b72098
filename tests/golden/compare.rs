//! Compares the trace of a play with the recorded one.
//!
//! The traces must have the same events, at the same instants, in the same order. Only the README's exceptions are
//! free:
//!
//! - the order of the `cancelled` events of one instant, among each other;
//! - the order inside an instant that is named in `ties`. There, too, runs start in the order of registration (rule 2
//!   of the contract), a run ends after it started, and a cancelled run is gone when its stop returns.
//!
//! If a run ends on a tick (`end_at_scan`), the contract lets the job's next run begin at that tick or at the next
//! tick. This crate begins it at the next tick, as the package does, and the comparison is exact.

use std::collections::{BTreeMap, HashSet};

use crate::record::{Event, Job, Record, What};

/// Returns where the traces differ, if they do.
pub(crate) fn compare(record: &Record, actual: &[Event]) -> Result<(), String> {
    runs_are_whole(actual)?;
    let ties: HashSet<u64> = record.ties.iter().map(|tie| tie.t_ms).collect();
    same(&normal(&record.trace, &ties), &normal(actual, &ties))?;
    ties.iter().try_for_each(|t_ms| order_of_starts(record, actual, *t_ms))
}

/// Runs come one after another, numbered from 0, and each ends once, after it has started.
fn runs_are_whole(trace: &[Event]) -> Result<(), String> {
    let mut runs: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    for event in trace {
        let (Some(job), Some(run)) = (&event.job, event.run) else {
            continue;
        };
        let (number, running) = runs.entry(job).or_insert((0, false));
        let starts = event.event == What::Start;
        if run != *number || starts == *running {
            return Err(format!("  out of turn:\n{}", lines([event])));
        }
        *number += u64::from(!starts);
        *running = starts;
    }
    Ok(())
}

/// The trace with its free orders made the same.
fn normal(trace: &[Event], ties: &HashSet<u64>) -> Vec<Event> {
    let mut normal = trace.to_vec();
    for instant in normal.chunk_by_mut(|a, b| a.t_ms == b.t_ms) {
        if ties.contains(&instant[0].t_ms) {
            settle_tie(instant);
        } else {
            sort_cancelled(instant);
        }
    }
    normal
}

/// Sorts an instant whose order is free. A cancelled run stays before the stop that returned.
fn settle_tie(instant: &mut [Event]) {
    let of_a_stop = |event: &Event| matches!(event.event, What::Cancelled | What::StopReturned);
    let (mut stops, mut settled): (Vec<Event>, Vec<Event>) = instant.iter().cloned().partition(of_a_stop);
    settled.sort();
    stops.chunk_by_mut(|a, b| a.event == b.event).for_each(<[Event]>::sort);
    settled.append(&mut stops);
    instant.clone_from_slice(&settled);
}

/// Sorts the cancelled events of an instant, within their positions.
fn sort_cancelled(instant: &mut [Event]) {
    let places: Vec<usize> = (0..instant.len())
        .filter(|index| instant[*index].event == What::Cancelled)
        .collect();
    let mut cancelled: Vec<Event> = places.iter().map(|index| instant[*index].clone()).collect();
    cancelled.sort();
    for (place, event) in places.into_iter().zip(cancelled) {
        instant[place] = event;
    }
}

/// An instant whose order is free has one tick, unless jobs block the thread from one tick to another. The runs of this
/// tick must start in the order of registration.
fn order_of_starts(record: &Record, actual: &[Event], t_ms: u64) -> Result<(), String> {
    let jobs = &record.scenario.jobs;
    if jobs.iter().any(Job::blocks) {
        return Ok(());
    }
    let starts = actual
        .iter()
        .filter(|event| event.t_ms == t_ms && event.event == What::Start);
    let place = |event: &Event| {
        let place = jobs.iter().position(|job| event.is_of(&job.id));
        place.map(|place| (jobs[place].register_at_ms, place))
    };
    if starts.clone().is_sorted_by_key(place) {
        return Ok(());
    }
    Err(format!("  starts out of order:\n{}", lines(starts)))
}

fn same(expected: &[Event], actual: &[Event]) -> Result<(), String> {
    let first = expected
        .iter()
        .zip(actual)
        .take_while(|(expected, actual)| expected == actual)
        .count();
    if first == expected.len() && first == actual.len() {
        return Ok(());
    }
    let around = |trace: &[Event]| {
        let range = first.saturating_sub(4).min(trace.len())..(first + 4).min(trace.len());
        lines(&trace[range])
    };
    Err(format!("  recorded:\n{}  here:\n{}", around(expected), around(actual)))
}

fn lines<'a>(events: impl IntoIterator<Item = &'a Event>) -> String {
    events.into_iter().map(|event| format!("    {event}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::all_records;
    use crate::record::Caller;

    fn record(name: &str) -> Record {
        all_records()
            .into_iter()
            .find(|record| record.name == name)
            .expect("there is a record of this name")
    }

    fn index_of(record: &Record, t_ms: u64, event: What) -> usize {
        record
            .trace
            .iter()
            .position(|other| other.t_ms == t_ms && other.event == event)
            .expect("there is such an event")
    }

    /// Applies `change` to the recorded trace, and expects the comparison to fail.
    #[track_caller]
    fn refused(record: &Record, change: impl FnOnce(&mut Vec<Event>)) {
        let mut trace = record.trace.clone();
        change(&mut trace);
        assert!(compare(record, &trace).is_err(), "{}", record.name);
    }

    #[track_caller]
    fn accepted(record: &Record, change: impl FnOnce(&mut Vec<Event>)) {
        let mut trace = record.trace.clone();
        change(&mut trace);
        assert_ne!(trace, record.trace);
        compare(record, &trace).expect("a difference that is left free");
    }

    #[test]
    fn what_is_recorded_is_accepted() {
        for record in all_records() {
            compare(&record, &record.trace).expect("a trace is like itself");
        }
    }

    #[test]
    fn a_missing_event_is_refused() {
        for record in all_records() {
            (0..record.trace.len()).for_each(|index| refused(&record, |trace| drop(trace.remove(index))));
        }
    }

    #[test]
    fn an_event_too_many_is_refused() {
        for record in all_records() {
            for index in 0..record.trace.len() {
                refused(&record, |trace| trace.insert(index, trace[index].clone()));
            }
            let end_ms = record.scenario.end_ms - 1;
            let Some(job) = record.scenario.jobs.first() else {
                continue;
            };
            let runs = record
                .trace
                .iter()
                .filter(|event| event.event == What::Start && event.is_of(&job.id))
                .count();
            refused(&record, |trace| {
                trace.push(Event::of_run(end_ms, What::Start, &job.id, runs as u64));
            });
        }
    }

    #[test]
    fn an_event_a_millisecond_off_is_refused() {
        for record in all_records() {
            for index in 0..record.trace.len() {
                refused(&record, |trace| trace[index].t_ms += 1);
                if record.trace[index].t_ms > 0 {
                    refused(&record, |trace| trace[index].t_ms -= 1);
                }
            }
        }
    }

    #[test]
    fn an_event_that_is_another_is_refused() {
        for record in all_records() {
            for (index, event) in record.trace.iter().enumerate() {
                match event.event {
                    What::StopReturned => refused(&record, |trace| trace[index].action = Some(Caller::Action(9))),
                    What::End => refused(&record, |trace| trace[index].event = What::Error),
                    _ => refused(&record, |trace| trace[index].event = What::End),
                }
            }
        }
    }

    #[test]
    fn neighbours_in_the_wrong_order_are_refused() {
        for record in all_records() {
            for index in 1..record.trace.len() {
                let (one, two) = (&record.trace[index - 1], &record.trace[index]);
                let both_cancelled = one.event == What::Cancelled && two.event == What::Cancelled;
                let both_tied = one.t_ms == two.t_ms && record.ties.iter().any(|tie| tie.t_ms == one.t_ms);
                if !both_cancelled && !both_tied {
                    refused(&record, |trace| trace.swap(index - 1, index));
                }
            }
        }
    }

    #[test]
    fn the_order_of_cancelled_is_free() {
        let record = record("stop_cancels_several");
        let first = index_of(&record, 220, What::Cancelled);
        accepted(&record, |trace| trace[first..first + 5].reverse());
    }

    #[test]
    fn what_is_cancelled_is_gone_when_the_stop_returns() {
        for (name, t_ms) in [
            ("stop_cancels_running", 220),
            ("stop_during_block", 200),
            ("random_anytie_005", 1_200),
        ] {
            let record = record(name);
            let (cancelled, returned) = (
                index_of(&record, t_ms, What::Cancelled),
                index_of(&record, t_ms, What::StopReturned),
            );
            refused(&record, |trace| trace.swap(cancelled, returned));
        }
    }

    #[test]
    fn inside_a_tie_only_the_starts_have_an_order() {
        // 450: j1 ends; 500: j0 ends, j1 starts and ends; 1250: j3 ends, j2 starts and fails.
        let record = record("random_anytie_007");
        let ended = index_of(&record, 500, What::End);
        accepted(&record, |trace| trace.swap(ended, ended + 1));
        refused(&record, |trace| trace.swap(ended + 1, ended + 2));

        // 700: j2 ends; j0, j3, j1 and j5 run.
        let record = self::record("random_anytie_005");
        let first = index_of(&record, 700, What::Start);
        refused(&record, |trace| trace[first..first + 4].rotate_left(2));
        accepted(&record, |trace| trace[first..first + 4].swap(1, 2));
    }
}
