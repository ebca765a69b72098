//! `#[every]` on virtual time: which jobs are registered, and which run.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{FirstRun, Job, MissedTicks, Registered, Run, Scheduler, every};
// The import links the jobs of the library. The test uses nothing else of it.
use library_with_jobs as _;

mod order {
    use atevery::every;

    #[every("1s")]
    fn zebra() {}

    #[every("1s")]
    #[every("2s")]
    #[every("3s", name = "named")]
    #[every("4s")]
    fn ape() {}

    #[every("1s")]
    fn lion() {}

    pub(super) mod inner {
        #[atevery::every("5s")]
        fn r#loop() {}
    }
}

#[test]
fn a_job_is_called_by_the_path_of_its_function() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let jobs = scheduler
        .add_registered_where(|function| function.module_path().ends_with("inner"))
        .unwrap();
    assert_eq!(names(&jobs), ["attribute::order::inner::loop"]);
}

#[test]
fn functions_of_a_module_come_as_they_are_written() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let jobs = scheduler
        .add_registered_where(|function| function.module_path() == "attribute::order")
        .unwrap();
    let expected = [
        ("attribute::order::zebra", 1),
        ("attribute::order::ape", 1),
        ("attribute::order::ape#2", 2),
        ("named", 3),
        ("attribute::order::ape#4", 4),
        ("attribute::order::lion", 1),
    ];
    assert_eq!(names(&jobs), expected.map(|(name, _)| name));
    assert!(
        jobs.iter()
            .map(Job::interval)
            .eq(expected.map(|(_, seconds)| Some(Duration::from_secs(seconds))))
    );
    assert_eq!(scheduler.jobs(), jobs);
}

#[test]
fn jobs_of_another_crate_run_too() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let mut jobs = scheduler
        .add_registered_where(|function| function.crate_name() == "library_with_jobs")
        .unwrap();
    jobs.sort_by_key(Job::interval);
    let expected = [
        ("library_with_jobs::sweep", 11),
        ("library_with_jobs::deeper::report", 1),
        ("library_with_jobs::deeper::report#2", 1),
        ("library_with_jobs::deeper::compact", 1),
    ];
    scheduler.start().unwrap();
    time.advance(Duration::from_secs(10));
    assert_eq!(names(&jobs), expected.map(|(name, _)| name));
    assert!(jobs.iter().map(Job::runs).eq(expected.map(|(_, runs)| runs)));
    assert_eq!(library_with_jobs::SWEPT.load(Ordering::Relaxed), 11);
}

#[test]
fn all_are_registered_unless_some_are_chosen() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let all = scheduler.add_registered().unwrap();
    let names = names(&all);
    for name in [
        "attribute::plain",
        "attribute::order::zebra",
        "library_with_jobs::sweep",
        "beat",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let tagged = scheduler
        .add_registered_where(|function| function.tag() == Some("chosen"))
        .unwrap();
    assert_eq!(tagged.len(), 2);
    assert_eq!(scheduler.add_registered_where(|_| false).unwrap(), []);
}

#[test]
fn a_registered_function_says_its_schedule() {
    let mut said = Vec::new();
    let scheduler = Scheduler::new(VirtualTime::new());
    let note = |function: &Registered| {
        if function.tag() == Some("chosen") {
            said.push((function.interval(), function.schedule()));
        }
        false
    };
    scheduler.add_registered_where(note).unwrap();
    let of = |seconds, words: &str| (Some(Duration::from_secs(seconds)), words.to_owned());
    assert_eq!(said, [of(1, "every 1s"), of(2, "every 2s")]);
}

#[test]
fn a_function_may_have_several_tags_and_its_job_has_them_too() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let jobs = scheduler
        .add_registered_where(|function| function.has_tag("second"))
        .unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].tags(), ["first", "second"]);
    let note = |function: &Registered| {
        if function.has_tag("first") {
            assert_eq!(
                (function.tag(), function.tags()),
                (Some("first"), ["first", "second"].as_slice())
            );
        }
        false
    };
    scheduler.add_registered_where(note).unwrap();
    assert!(jobs[0].has_tag("second") && !jobs[0].has_tag("third"));
}

#[every("1d", tag = "first", tag = SECOND_TAG)]
fn tagged_twice() {}

const SECOND_TAG: &str = "second";

#[every("1s", tag = "chosen")]
fn plain() {}

#[every("2s", tag = concat!("cho", "sen"))]
fn tag_of_a_constant() {}

/// Counts how often a value was made, and how often a value was cloned.
struct Argument;

thread_local! {
    /// Thread-local, so the counts are those of this test alone: arguments are evaluated on the thread that registers.
    static MADE: Cell<u64> = const { Cell::new(0) };
}
static CLONED: AtomicU64 = AtomicU64::new(0);

impl Argument {
    fn new() -> Argument {
        MADE.set(MADE.get() + 1);
        Argument
    }
}

impl Clone for Argument {
    fn clone(&self) -> Argument {
        CLONED.fetch_add(1, Ordering::Relaxed);
        Argument
    }
}

#[every("1s", Argument::new(), tag = "argument")]
fn takes_an_argument(_argument: Argument) {}

#[test]
fn arguments_are_evaluated_once_and_cloned_for_each_run() {
    let time = VirtualTime::new();
    let [first, second] = [Scheduler::new(time.clone()), Scheduler::new(time.clone())];
    let jobs = [&first, &second].map(|scheduler| {
        scheduler
            .add_registered_where(|function| function.path() == "attribute::takes_an_argument")
            .unwrap()
            .remove(0)
    });
    assert_eq!(MADE.get(), 2);
    assert_ne!(jobs[0], jobs[1]);
    first.start().unwrap();
    time.advance(Duration::from_secs(2));
    assert_eq!(jobs.each_ref().map(Job::runs), [3, 0]);
    assert_eq!(CLONED.load(Ordering::Relaxed), 3);
    takes_an_argument(Argument);
}

static SEEN: Mutex<Vec<(u64, &str, u64)>> = Mutex::new(Vec::new());

#[every("1s", "first", 1)]
async fn takes_the_run(run: Run, name: &'static str, number: u64) -> Result<(), std::io::Error> {
    SEEN.lock().unwrap().push((run.number(), name, number));
    Ok(())
}

#[test]
fn the_run_comes_before_the_arguments() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    scheduler
        .add_registered_where(|function| function.path().ends_with("takes_the_run"))
        .unwrap();
    scheduler.start().unwrap();
    time.advance(Duration::from_secs(1));
    assert_eq!(*SEEN.lock().unwrap(), [(0, "first", 1), (1, "first", 1)]);
}

static STARTS: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

#[every(
    Duration::from_millis(500),
    name = "beat",
    missed_ticks = MissedTicks::Skip,
    first_run = FirstRun::After(Duration::from_secs(1)),
)]
async fn heartbeat(run: Run) {
    STARTS.lock().unwrap().push((run.number(), run.missed()));
}

#[test]
fn options_are_those_of_the_builder() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let jobs = scheduler
        .add_registered_where(|function| function.path().ends_with("heartbeat"))
        .unwrap();
    assert_eq!(names(&jobs), ["beat"]);
    scheduler.start().unwrap();
    time.advance(Duration::from_millis(999));
    assert_eq!(jobs[0].runs(), 0);
    time.advance(Duration::from_millis(501));
    assert_eq!(*STARTS.lock().unwrap(), [(0, 0), (1, 0)]);
}

#[test]
fn none_is_registered_if_one_is_refused() {
    let coarse = Scheduler::builder(VirtualTime::new())
        .resolution(Duration::from_secs(2))
        .build()
        .unwrap();
    assert!(coarse.add_registered().unwrap_err().is_interval_too_short());
    assert_eq!(coarse.jobs(), []);
}

#[test]
fn functions_in_functions_are_jobs_too() {
    #[every("1s", blocking)]
    fn local() {}

    let scheduler = Scheduler::new(VirtualTime::new());
    let jobs = scheduler
        .add_registered_where(|function| function.path() == "attribute::local")
        .unwrap();
    assert_eq!(jobs.len(), 1);
    local();
}

fn names(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(Job::name).collect()
}
