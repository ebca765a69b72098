//! Each invariant fails for a short list of records, and holds for one that is nearly the same.

use std::collections::BTreeSet;

use super::*;
use crate::record::{End, Figures, GroupLimit, Outcome, Reported};

const ONE: Limits = Limits {
    at_once: 1,
    times: None,
    group: None,
};
const TWO: Limits = Limits { at_once: 2, ..ONE };

fn registering(job: JobNumber, limits: Limits) -> Record {
    Record::Registering { job, limits }
}

fn started(job: JobNumber, run: u64) -> Record {
    let is_early = false;
    Record::Started { job, run, is_early }
}

fn ended(job: JobNumber, run: u64) -> Record {
    let how = End::Finished;
    Record::Ended { job, run, how }
}

fn entered(job: JobNumber, run: u64) -> Record {
    let run = Some(run);
    Record::Entered { job, run }
}

fn left(job: JobNumber, run: u64) -> Record {
    let run = Some(run);
    Record::Left { job, run }
}

fn start() -> [Record; 2] {
    [Record::StartCalled, Record::StartReturned { ok: true }]
}

fn stop_called() -> Record {
    Record::StopCalled {
        stop: 7,
        is_unlimited: false,
    }
}

fn stop_returned(outcome: Outcome) -> Record {
    Record::StopReturned { stop: 7, outcome }
}

fn jobs(numbers: &[JobNumber]) -> BTreeSet<JobNumber> {
    numbers.iter().copied().collect()
}

fn reported(cancelled: &[JobNumber], still_running: &[JobNumber]) -> Outcome {
    Outcome::Reported(Reported {
        finished: BTreeSet::new(),
        cancelled: jobs(cancelled),
        still_running: jobs(still_running),
    })
}

fn halted(idle: &[JobNumber]) -> Outcome {
    Outcome::Halted { idle: jobs(idle) }
}

/// Two jobs, the second with two runs at once, on a scheduler that was started.
fn check_from(source: Source, records: impl IntoIterator<Item = Record>) -> Result<(), Violation> {
    let mut checker = Checker::new(source);
    let jobs = [registering(0, ONE), registering(1, TWO)];
    for record in jobs.into_iter().chain(start()).chain(records) {
        checker.note(&record)?;
    }
    Ok(())
}

fn check(records: impl IntoIterator<Item = Record>) -> Result<(), Violation> {
    check_from(Source::Events, records)
}

#[track_caller]
fn holds(records: impl IntoIterator<Item = Record>) {
    assert_eq!(check(records), Ok(()));
}

/// The last record, and no other, violates an invariant.
#[track_caller]
fn fails(records: impl IntoIterator<Item = Record>, because: &str) {
    let records: Vec<Record> = records.into_iter().collect();
    assert_eq!(check(records[..records.len() - 1].to_vec()), Ok(()));
    let violation = check(records).unwrap_err();
    assert!(violation.contains(because), "{violation}");
}

#[test]
fn runs_follow_each_other() {
    holds([started(0, 0), ended(0, 0), started(0, 1), ended(0, 1)]);
    fails([started(0, 0), started(0, 1)], "overlap");
    fails([started(0, 0), ended(0, 0), started(0, 0)], "began twice");
    fails([started(0, 0), ended(0, 0), started(0, 2)], "began before {1}");
}

#[test]
fn several_runs_of_one_job_may_be_told_in_another_order() {
    holds([started(1, 1), started(1, 0), ended(1, 1), ended(1, 0), started(1, 2)]);
    fails([started(1, 0), started(1, 1), started(1, 2)], "overlap");
    fails([started(1, 2)], "began before {0, 1}");
    fails([started(1, 0), started(1, 2)], "overlap");
    fails([started(1, 1), started(1, 0), started(1, 0)], "began twice");
}

#[test]
fn a_run_ends_once() {
    fails([started(0, 0), ended(0, 0), ended(0, 0)], "without being in progress");
    fails([ended(0, 0)], "without being in progress");
}

#[test]
fn no_run_is_early() {
    let early = Record::Started {
        job: 0,
        run: 0,
        is_early: true,
    };
    fails([early], "before it was due");
}

#[test]
fn a_run_ends_after_its_body() {
    holds([started(0, 0), entered(0, 0), left(0, 0), ended(0, 0)]);
    holds([
        started(0, 0),
        entered(0, 0),
        left(0, 0),
        entered(0, 0),
        left(0, 0),
        ended(0, 0),
    ]);
    fails(
        [started(0, 0), entered(0, 0), ended(0, 0)],
        "before its future was dropped",
    );
    fails(
        [started(1, 0), entered(1, 0), ended(1, 0)],
        "before its future was dropped",
    );
    let unnumbered = Record::Entered { job: 0, run: None };
    fails(
        [started(0, 0), unnumbered, ended(0, 0)],
        "before its future was dropped",
    );
}

#[test]
fn a_body_belongs_to_a_run_in_progress() {
    fails([entered(0, 0)], "outside its beginning and end");
    fails([started(0, 0), entered(0, 0), entered(0, 0)], "overlap");
    fails([started(1, 0), entered(1, 0), entered(1, 0)], "two bodies");
    fails([started(0, 0), entered(0, 0), left(0, 0), left(0, 0)], "left twice");
}

#[test]
fn an_attempt_belongs_to_a_run_in_progress() {
    let retried = Record::Retried { job: 0, run: 0 };
    holds([started(0, 0), retried.clone(), ended(0, 0)]);
    fails([started(0, 0), ended(0, 0), retried], "not in progress");
}

#[test]
fn a_job_has_no_more_runs_than_it_may() {
    let limits = Limits { times: Some(1), ..ONE };
    fails(
        [registering(2, limits), started(2, 0), ended(2, 0), started(2, 1)],
        "one too many",
    );
}

#[test]
fn nothing_begins_before_the_first_start_nor_after_a_stop() {
    let mut checker = Checker::new(Source::Events);
    checker.note(&registering(0, ONE)).unwrap();
    assert!(checker.note(&started(0, 0)).is_err());
    let stop = || [stop_called(), stop_returned(reported(&[], &[]))];
    fails(stop().into_iter().chain([started(0, 0)]), "was stopped");
    holds(stop().into_iter().chain(start()).chain([started(0, 0)]));
    holds([Record::StartCalled].into_iter().chain(stop()).chain([started(0, 0)]));
    let [called, returned] = stop();
    holds([called].into_iter().chain(start()).chain([returned, started(0, 0)]));
    let failed = [Record::StartCalled, Record::StartReturned { ok: false }];
    fails(stop().into_iter().chain(failed).chain([started(0, 0)]), "was stopped");
}

#[test]
fn after_a_stop_only_a_run_that_is_named_as_running_may_be_told_of() {
    let stop = [stop_called(), stop_returned(reported(&[], &[0, 1]))];
    holds(stop.clone().into_iter().chain([started(0, 0)]));
    holds(stop.clone().into_iter().chain([started(1, 0), started(1, 1)]));
    fails(
        stop.into_iter().chain([started(0, 0), ended(0, 0), started(0, 1)]),
        "was stopped",
    );
    let stop = [
        started(0, 0),
        stop_called(),
        stop_returned(reported(&[], &[0])),
        ended(0, 0),
    ];
    fails(stop.into_iter().chain([started(0, 1)]), "was stopped");
}

#[test]
fn after_a_detached_stop_only_a_run_in_progress_may_be_told_of() {
    let stop = |idle| [stop_called(), stop_returned(halted(idle))];
    holds(stop(&[1]).into_iter().chain([started(0, 0)]));
    fails(stop(&[0]).into_iter().chain([started(0, 0)]), "was stopped");
    let abandoned = [stop_called(), stop_returned(Outcome::Abandoned), started(0, 0)];
    holds(abandoned);
}

#[test]
fn nothing_begins_after_the_last_handle() {
    let dropped = |idle: &[JobNumber]| Record::HandleDropped { idle: jobs(idle) };
    holds([dropped(&[1]), started(0, 0)]);
    fails([dropped(&[0]), started(0, 0)], "was stopped");
}

#[test]
fn a_report_names_what_is_in_progress() {
    let how = End::Cancelled;
    let end = Record::Ended { job: 0, run: 0, how };
    let cancelled = || [stop_called(), end.clone(), stop_returned(reported(&[0], &[]))];
    holds([started(0, 0)].into_iter().chain(cancelled()));
    holds([started(0, 0), stop_called(), stop_returned(reported(&[], &[0]))]);
    fails(
        [started(0, 0), stop_called(), stop_returned(reported(&[0], &[]))],
        "says otherwise",
    );
    fails(
        [started(0, 0), stop_called(), stop_returned(reported(&[], &[]))],
        "says otherwise",
    );
    let late = [stop_called(), started(0, 0), stop_returned(reported(&[], &[]))];
    fails(late, "does not name it");
}

#[test]
fn a_report_says_how_runs_have_ended() {
    fails(
        [
            started(0, 0),
            stop_called(),
            ended(0, 0),
            stop_returned(reported(&[0], &[])),
        ],
        "was cancelled",
    );
    let finished = Outcome::Reported(Reported {
        finished: jobs(&[0]),
        ..Reported::default()
    });
    holds([
        started(0, 0),
        stop_called(),
        ended(0, 0),
        stop_returned(finished.clone()),
    ]);
    let how = End::Cancelled;
    let end = Record::Ended { job: 0, run: 0, how };
    fails(
        [started(0, 0), stop_called(), end, stop_returned(finished)],
        "ended by itself",
    );
}

#[test]
fn a_report_names_futures_that_are_left() {
    let list = |last| {
        let returned = stop_returned(reported(&[0], &[]));
        [entered(0, 0), stop_called(), last, returned]
    };
    assert_eq!(check_from(Source::Bodies, list(left(0, 0))), Ok(()));
    let mut records = list(left(0, 0)).to_vec();
    records.remove(2);
    assert!(
        check_from(Source::Bodies, records)
            .unwrap_err()
            .contains("a future of job 0")
    );
}

#[test]
fn a_stop_without_a_timeout_waits_for_all() {
    let called = Record::StopCalled {
        stop: 7,
        is_unlimited: true,
    };
    fails(
        [started(0, 0), called, stop_returned(reported(&[], &[0]))],
        "has not waited",
    );
}

#[test]
fn nothing_begins_after_a_removal() {
    let removed = |in_progress| Record::RemoveReturned {
        job: 0,
        in_progress,
        is_listed: false,
    };
    fails([removed(false), started(0, 0)], "was removed");
    holds([removed(true), started(0, 0)]);
    fails(
        [removed(true), started(0, 0), ended(0, 0), started(0, 1)],
        "was removed",
    );
    fails(
        [started(0, 0), removed(true), ended(0, 0), started(0, 1)],
        "was removed",
    );
    let event = |in_progress| Record::Removed { job: 0, in_progress };
    fails([event(false), started(0, 0)], "was removed");
    fails([event(false), event(false)], "removed 2 times");
    fails([Record::NotRegistered { job: 0 }, started(0, 0)], "was removed");
}

#[test]
fn a_removed_job_is_not_listed() {
    let removed = Record::RemoveReturned {
        job: 0,
        in_progress: false,
        is_listed: true,
    };
    fails([removed], "is among the jobs");
}

#[test]
fn a_group_keeps_its_limit() {
    let of = |name, runs| Limits {
        group: Some(GroupLimit { name, runs }),
        ..ONE
    };
    let jobs = || {
        [
            registering(2, of("a", 1)),
            registering(3, of("a", 1)),
            registering(4, of("a", 2)),
        ]
    };
    holds(jobs().into_iter().chain([started(2, 0), ended(2, 0), started(3, 0)]));
    fails(
        jobs().into_iter().chain([started(2, 0), started(3, 0)]),
        "2 runs of the group",
    );
    fails(jobs().into_iter().chain([started(2, 0), started(4, 0)]), "two limits");
}

#[test]
fn a_job_says_what_was_seen() {
    let settled = |figures| Record::Settled { job: 0, figures };
    let runs = |runs| Figures {
        runs,
        ..Figures::default()
    };
    holds([started(0, 0), ended(0, 0), settled(runs(1))]);
    fails([started(0, 0), ended(0, 0), settled(runs(2))], "but there were");
    fails([started(0, 0), settled(runs(1))], "not at its end");
    let failed = Figures { failed: 1, ..runs(1) };
    fails([started(0, 0), ended(0, 0), settled(failed)], "but there were");
    let kinds = [End::Failed, End::Panicked, End::TimedOut, End::Cancelled];
    let each = kinds.into_iter().zip(0..).flat_map(|(how, run)| {
        let job = 0;
        [started(job, run), Record::Ended { job, run, how }]
    });
    let figures = Figures {
        runs: 4,
        failed: 1,
        panicked: 1,
        timed_out: 1,
        cancelled: 1,
        retried: 0,
        missed: 3,
    };
    holds(each.chain([Record::Missed { job: 0, count: 3 }, settled(figures)]));
}

#[test]
fn without_events_the_bodies_tell_when_runs_begin() {
    let bodies = |records: Vec<Record>| check_from(Source::Bodies, records);
    assert_eq!(
        bodies(vec![
            entered(0, 0),
            left(0, 0),
            entered(0, 0),
            left(0, 0),
            entered(0, 1)
        ]),
        Ok(())
    );
    assert!(
        bodies(vec![entered(0, 0), entered(0, 1)])
            .unwrap_err()
            .contains("overlap")
    );
    assert!(bodies(vec![entered(0, 1)]).unwrap_err().contains("began before"));
    let stopped = vec![stop_called(), stop_returned(reported(&[], &[])), entered(0, 0)];
    assert!(bodies(stopped).unwrap_err().contains("was stopped"));
    let runs = Figures {
        runs: 1,
        ..Figures::default()
    };
    let settled = Record::Settled { job: 0, figures: runs };
    assert_eq!(bodies(vec![entered(0, 0), left(0, 0), settled.clone()]), Ok(()));
    assert!(bodies(vec![settled]).unwrap_err().contains("but there were"));
}
