//! The other way that a tie may go: a run ends at the very instant of a tick, and its job's next run begins there.
//!
//! Python's scan came first at every such instant, so that the run waited for the next tick; the contract allows either.
//! From there on the job goes its own way, which no record holds. For plain scenarios it follows from the contract's
//! rules 1 to 4, and here it is computed from them. All else (restarts, jumps, jobs that block or stop) has no other
//! branch here: it must go as in Python.

use crate::compare::starts_at;
use crate::record::{Act, Action, Event, Job, Record, Scenario, TieKind, What};

const TICK_MS: u64 = 50;

/// The jobs whose line in `actual` takes the other branch at some tie, each with the line that is right then.
pub(crate) fn branched<'a>(record: &'a Record, actual: &[Event]) -> Vec<(&'a str, Vec<Event>)> {
    let mut branched: Vec<(&str, Vec<Event>)> = Vec::new();
    let tied = record.ties.iter().filter(|tie| tie.kind == TieKind::EndAtScan);
    for job in tied.map(|tie| tie.job.as_deref().expect("an end is the end of some job's run")) {
        let takes_tick = |t_ms| starts_at(actual, job, t_ms);
        let line = line(&record.scenario, record.scenario.job(job), takes_tick);
        if let Some(line) = line.filter(|line| !line.iter().eq(record.trace.iter().filter(|event| event.is_of(job)))) {
            if !branched.iter().any(|(other, _)| *other == job) {
                branched.push((job, line));
            }
        }
    }
    branched
}

/// All events of a job in a plain scenario. `takes_tick` says, for an instant at which a run ends and a tick falls,
/// whether the next run begins there.
fn line(scenario: &Scenario, job: &Job, takes_tick: impl Fn(u64) -> bool) -> Option<Vec<Event>> {
    let (start_ms, stop) = plain(scenario)?;
    let stop_ms = stop.map_or(scenario.end_ms, |stop| stop.at_ms);
    let tick_from = |t_ms: u64| start_ms + (t_ms - start_ms).div_ceil(TICK_MS) * TICK_MS;

    let mut line = Vec::new();
    let mut deadline = job.register_at_ms.max(start_ms);
    let mut begin = tick_from(deadline);
    for run in 0.. {
        if begin >= stop_ms {
            break;
        }
        line.push(Event::of_run(begin, What::Start, &job.id, run));
        let end = begin + job.duration_ms(run);
        line.push(match stop {
            Some(stop) if stop.wait_for && end >= stop.at_ms => {
                Event::of_run(stop.at_ms, What::Cancelled, &job.id, run)
            }
            _ if job.fails(run) => Event::of_run(end, What::Error, &job.id, run),
            _ => Event::of_run(end, What::End, &job.id, run),
        });
        deadline += job.interval_ms;
        begin = tick_from(deadline.max(end)).max(begin + TICK_MS);
        if begin == end && !takes_tick(begin) {
            begin += TICK_MS;
        }
    }
    line.retain(|event| event.t_ms < scenario.end_ms);
    Some(line)
}

/// The start and the stop of a scenario in which nothing else happens.
fn plain(scenario: &Scenario) -> Option<(u64, Option<&Action>)> {
    let (start, stop) = match scenario.actions.as_slice() {
        [start] => (start, None),
        [start, stop] => (start, Some(stop)),
        _ => return None,
    };
    let plain = start.act == Act::Start
        && stop.is_none_or(|stop| stop.act == Act::Stop && stop.at_ms > start.at_ms)
        && !scenario.jobs.iter().any(|job| job.blocks() || job.acts());
    plain.then_some((start.at_ms, stop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::all_records;

    /// The rules as they are written here yield what Python did, wherever they apply; so they do for the other branch.
    #[test]
    fn the_way_of_python_is_computed_as_recorded() {
        let mut lines = 0;
        for record in all_records() {
            for job in &record.scenario.jobs {
                if let Some(line) = line(&record.scenario, job, |_| false) {
                    let recorded = record.trace.iter().filter(|event| event.is_of(&job.id));
                    assert!(line.iter().eq(recorded), "{}: {}", record.name, job.id);
                    lines += 1;
                }
            }
        }
        assert!(lines > 100, "only {lines}");
    }

    #[test]
    fn every_tied_end_of_the_records_has_its_other_branch() {
        let tied = |record: &Record| record.ties.iter().any(|tie| tie.kind == TieKind::EndAtScan);
        for record in all_records().into_iter().filter(tied) {
            assert!(plain(&record.scenario).is_some(), "{}", record.name);
        }
    }

    #[test]
    fn the_other_branch_begins_at_the_end() {
        let records = all_records();
        let record = records.iter().find(|record| record.name == "readme_slow").unwrap();
        let line = line(&record.scenario, &record.scenario.jobs[0], |_| true).unwrap();
        let starts: Vec<u64> = line
            .iter()
            .filter(|event| event.event == What::Start)
            .map(|event| event.t_ms)
            .collect();
        assert_eq!(starts, [0, 4_000, 8_000, 12_000, 16_000, 20_000, 24_000, 28_000]);
    }
}
