//! The metrics of the feature `metrics`, seen by a recorder of the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{MissedTicks, Overlap, Run, Scheduler};
use metrics::{Unit, with_local_recorder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Records this scene, with a scheduler on virtual time. A snapshot empties the recorder.
fn recorded(scene: impl FnOnce(&VirtualTime, &Scheduler)) -> Snapshotter {
    let (time, recorder) = (VirtualTime::new(), DebuggingRecorder::new());
    let scheduler = Scheduler::builder(time.clone()).seed(7).build().unwrap();
    with_local_recorder(&recorder, || scene(&time, &scheduler));
    recorder.snapshotter()
}

/// Metrics with their labels and values. The values of a histogram are in milliseconds.
fn values(snapshotter: &Snapshotter) -> BTreeMap<String, String> {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    metrics
        .map(|(key, _, _, value)| {
            let labels: Vec<_> = key
                .key()
                .labels()
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            let value = match value {
                DebugValue::Counter(count) => count.to_string(),
                DebugValue::Gauge(value) => value.to_string(),
                DebugValue::Histogram(values) => {
                    let values: Vec<_> = values.iter().map(|value| (value.0 * 1e3).round()).collect();
                    format!("{values:?} ms")
                }
            };
            (format!("{} {}", key.key().name(), labels.join(" ")), value)
        })
        .collect()
}

fn assert_values(values: &BTreeMap<String, String>, metric: &str, expected: &[(&str, &str)]) {
    let mut found = values.clone();
    found.retain(|name, _| name.starts_with(metric));
    let expected = expected
        .iter()
        .map(|(labels, value)| (format!("{metric} {labels}"), (*value).to_owned()));
    assert_eq!(found, expected.collect());
}

#[test]
fn runs_are_counted_by_job_and_outcome() {
    let values = values(&recorded(|time, scheduler| {
        let endless = std::future::pending::<()>;
        let blows_up = || -> () { panic!("a job panics") };
        scheduler.every(ms(100)).name("ends").run(|| ()).unwrap();
        scheduler.every(ms(100)).name("fails").run(|| Err("no pulse")).unwrap();
        scheduler.every(ms(100)).name("panics").run_blocking(blows_up).unwrap();
        scheduler
            .every(ms(200))
            .name("times out")
            .timeout(ms(70))
            .run(endless)
            .unwrap();
        let replace = scheduler.every(ms(100)).on_overlap(Overlap::Replace);
        replace.name("gives way").run(endless).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(250));
    }));
    let started = [
        ("job=ends", "3"),
        ("job=fails", "3"),
        ("job=panics", "3"),
        ("job=times out", "2"),
        ("job=gives way", "3"),
    ];
    assert_values(&values, "atevery_runs_started_total", &started);
}

#[test]
fn ends_are_told_apart() {
    let values = values(&recorded(|time, scheduler| {
        let endless = std::future::pending::<()>;
        let blows_up = || -> () { panic!("a job panics") };
        let mut runs = 0;
        let turns = move || {
            runs += 1;
            if runs % 2 == 0 { Err("no pulse") } else { Ok(()) }
        };
        scheduler.every(ms(100)).name("turns").run(turns).unwrap();
        scheduler.every(ms(100)).name("panics").run_blocking(blows_up).unwrap();
        scheduler
            .every(ms(200))
            .name("times out")
            .timeout(ms(40))
            .run(endless)
            .unwrap();
        let replace = scheduler.every(ms(100)).on_overlap(Overlap::Replace);
        replace.name("gives way").run(endless).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(250));
    }));
    let ended = [
        ("job=turns outcome=finished", "2"),
        ("job=turns outcome=failed", "1"),
        ("job=panics outcome=panicked", "3"),
        ("job=times out outcome=timed_out", "2"),
        ("job=gives way outcome=cancelled", "2"),
    ];
    assert_values(&values, "atevery_runs_ended_total", &ended);
}

#[test]
fn durations_are_in_seconds() {
    let values = values(&recorded(|time, scheduler| {
        let clock = time.clone();
        let mut runs = 0;
        let target = move || {
            runs += 1;
            clock.sleep(ms(10 * runs))
        };
        scheduler.every(ms(100)).name("a").run(target).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(250));
    }));
    assert_values(
        &values,
        "atevery_run_duration_seconds",
        &[("job=a", "[10.0, 20.0, 30.0] ms")],
    );
}

#[test]
fn lateness_is_in_seconds() {
    let values = values(&recorded(|time, scheduler| {
        scheduler.every(ms(100)).name("a").run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.jump(ms(70));
        time.advance(ms(50));
    }));
    assert_values(&values, "atevery_run_lateness_seconds", &[("job=a", "[70.0, 0.0] ms")]);
}

#[test]

fn jitter_is_no_lateness() {
    let snapshotter = recorded(|time, scheduler| {
        scheduler.every(ms(1_000)).jitter(ms(900)).name("a").run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(10_000));
    });
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        if let (DebugValue::Histogram(values), "atevery_run_lateness_seconds") = (value, key.key().name()) {
            assert!(values.iter().all(|value| value.0 <= 0.05), "{values:?}");
        }
    }
}

#[test]
fn retries_missed_intervals_and_refusals() {
    let values = values(&recorded(|time, scheduler| {
        let retry = || [ms(10), ms(10)];
        scheduler
            .every(ms(10_000))
            .name("tries")
            .retry(retry)
            .run(|| Err("no pulse"))
            .unwrap();
        let skip = scheduler.every(ms(100)).missed_ticks(MissedTicks::Skip);
        skip.name("skips").run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(30));
        time.jump(ms(400)); // at 430
        time.run_until_stalled();
        time.refuse_spawns(100);
        time.advance(ms(90));
    }));
    assert_values(&values, "atevery_retries_total", &[("job=tries", "2")]);
    assert_values(&values, "atevery_missed_intervals_total", &[("job=skips", "3")]);
    assert_values(&values, "atevery_refused_runs_total", &[("job=skips", "1")]);
}

/// Events report only the first.
#[test]
fn each_refusal_is_counted() {
    let values = values(&recorded(|time, scheduler| {
        scheduler.every(ms(1_000)).name("a").run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.refuse_spawns(100);
        time.advance(ms(960));
    }));
    assert_values(&values, "atevery_refused_runs_total", &[("job=a", "20")]);
}

/// Events report such runs once a minute.
#[test]
fn each_run_that_holds_its_thread_is_counted() {
    let values = values(&recorded(|time, scheduler| {
        let clock = time.clone();
        let target = move |run: Run| clock.block_for(ms(if run.number() < 7 { 11 } else { 10 }));
        scheduler.every(ms(1_000)).name("a").run(target).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(20_000));
    }));
    assert_values(&values, "atevery_held_thread_runs_total", &[("job=a", "7")]);
}

#[test]
fn jobs_of_one_name_are_counted_together() {
    let values = values(&recorded(|time, scheduler| {
        for _ in 0..3 {
            scheduler.every(ms(100)).name("a").run(|| ()).unwrap();
        }
        scheduler.start().unwrap();
        time.advance(ms(150));
    }));
    assert_values(&values, "atevery_runs_started_total", &[("job=a", "6")]);
}

#[test]
fn every_run_of_many_is_counted() {
    let values = values(&recorded(|time, scheduler| {
        for _ in 0..1_000 {
            scheduler.every(ms(100)).name("a").run(|| ()).unwrap();
        }
        scheduler.start().unwrap();
        time.advance(ms(450));
    }));
    assert_values(&values, "atevery_runs_started_total", &[("job=a", "5000")]);
    assert_values(
        &values,
        "atevery_runs_ended_total",
        &[("job=a outcome=finished", "5000")],
    );
}

#[test]
fn nothing_is_lost_on_a_recorder_that_is_not_there() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let job = scheduler.every(ms(100)).name("a").run(|| Err("no pulse")).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(100));
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || time.advance(ms(100)));
    assert_eq!((job.runs(), job.status().failures()), (3, 3));
    assert_values(
        &values(&recorder.snapshotter()),
        "atevery_runs_ended_total",
        &[("job=a outcome=failed", "1")],
    );
}

/// Each metric is in the table of the docs, and has a description and a unit that fits its name.
#[test]
fn all_metrics_are_documented_described_and_have_a_unit() {
    let docs = include_str!("../src/observe/metrics.rs");
    let snapshotter = recorded(|time, scheduler| {
        let retry = || [ms(10)];
        let skip = scheduler.every(ms(100)).missed_ticks(MissedTicks::Skip);
        let clock = time.clone();
        let target = move || {
            clock.block_for(ms(11));
            Err("no pulse")
        };
        skip.retry(retry).run(target).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(30));
        time.jump(ms(400));
        time.run_until_stalled();
        time.refuse_spawns(100);
        time.advance(ms(90));
    });
    let metrics = snapshotter.snapshot().into_vec();
    let mut names: Vec<_> = metrics.iter().map(|(key, ..)| key.key().name()).collect();
    names.dedup();
    assert_eq!(names.len(), 8, "{names:?}");
    for (key, unit, description, value) in &metrics {
        let name = key.key().name();
        let (kind, expected) = match value {
            DebugValue::Counter(_) => ("counter", Unit::Count),
            DebugValue::Histogram(_) => ("histogram", Unit::Seconds),
            DebugValue::Gauge(_) => panic!("{name} is a gauge"),
        };
        assert!(
            docs.contains(&format!("//! | `{name}` | {kind} |")),
            "{name} is not in the docs"
        );
        assert_eq!(unit, &Some(expected), "{name}");
        assert!(description.as_ref().is_some_and(|text| text.ends_with('.')), "{name}");
        let suffix = if kind == "counter" { "_total" } else { "_seconds" };
        assert!(name.starts_with("atevery_") && name.ends_with(suffix), "{name}");
    }
}
