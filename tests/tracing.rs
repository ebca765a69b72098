//! The spans and events of the feature `tracing`, seen by a subscriber of the tests.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::IntoFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Job, MissedTicks, Overlap, Run, Scheduler};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, with_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// Notes spans and events, each with the spans around it.
#[derive(Clone, Default)]
struct Notes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lines: Mutex<Vec<String>>,
    spans: Mutex<HashMap<u64, Span>>,
    entered: Mutex<Vec<u64>>,
    ids: AtomicU64,
    filter: Filter,
}

struct Span {
    text: String,
    handles: usize,
}

#[derive(Default)]
enum Filter {
    #[default]
    All,
    Errors,
    NotOurs,
}

impl Notes {
    fn filtered(filter: Filter) -> Notes {
        Notes(Arc::new(Inner {
            filter,
            ..Inner::default()
        }))
    }

    fn note(&self, line: String) {
        self.0.lines.lock().unwrap().push(line);
    }

    /// The notes of jobs and runs.
    fn take(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lines.lock().unwrap());
        lines.retain(|line| !is_of_a_scheduler(line));
        lines
    }

    /// The notes of the start and the stop of a scheduler.
    fn take_of_the_scheduler(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lines.lock().unwrap());
        lines.retain(|line| is_of_a_scheduler(line));
        lines
    }

    /// The notes of the job itself, and the notes of errors.
    fn take_own(&self) -> Vec<String> {
        let mut lines = self.take();
        lines.retain(|line| line.starts_with("INFO job") || line.starts_with("ERROR"));
        lines
    }

    fn open_spans(&self) -> usize {
        self.0.spans.lock().unwrap().len()
    }

    fn place(&self) -> String {
        let (spans, entered) = (self.0.spans.lock().unwrap(), self.0.entered.lock().unwrap());
        // A span that is entered again counts once.
        let places: BTreeSet<_> = entered.iter().collect();
        let texts: Vec<_> = places.iter().map(|id| spans[id].text.as_str()).collect();
        if texts.is_empty() {
            String::new()
        } else {
            format!(" in {}", texts.join(", "))
        }
    }
}

/// Whether the line tells of the start or the stop of a scheduler.
fn is_of_a_scheduler(line: &str) -> bool {
    line.contains("INFO atevery: scheduler ")
}

/// Fields as text.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            assert!(self.message.is_empty(), "one message: {} {value:?}", self.message);
            self.message = format!("{value:?}");
        } else {
            self.others += &format!(" {}={value:?}", field.name());
        }
    }
}

impl Subscriber for Notes {
    /// The filter is asked each time, because it is one of many in the process.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        match self.0.filter {
            Filter::All => true,
            Filter::Errors => *metadata.level() == Level::ERROR,
            Filter::NotOurs => metadata.target() != "atevery",
        }
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = attributes.metadata().name();
        let parent = if attributes.is_root() { "" } else { self.place().leak() };
        self.note(format!("new {name}{}{parent}", fields.others));
        let id = 1 + self.0.ids.fetch_add(1, Ordering::Relaxed);
        let run = fields.others.split(" run=").nth(1).unwrap_or_default();
        let run = run.split(' ').next().unwrap_or_default();
        let span = Span {
            text: format!("{name} {run}").trim().to_owned(),
            handles: 1,
        };
        self.0.spans.lock().unwrap().insert(id, span);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let (message, others, place) = (fields.message, fields.others, self.place());
        self.note(format!("{level} {target}: {message}{others}{place}"));
    }

    fn enter(&self, id: &Id) {
        self.0.entered.lock().unwrap().push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        assert_eq!(self.0.entered.lock().unwrap().pop(), Some(id.into_u64()));
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.spans.lock().unwrap().get_mut(&id.into_u64()).unwrap().handles += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut spans = self.0.spans.lock().unwrap();
        let span = spans.get_mut(&id.into_u64()).unwrap();
        span.handles -= 1;
        let closes = span.handles == 0;
        if closes {
            spans.remove(&id.into_u64());
        }
        closes
    }
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn world() -> (VirtualTime, Scheduler, Notes) {
    let time = VirtualTime::new();
    (time.clone(), Scheduler::new(time), Notes::default())
}

/// A note that the job itself emits.
fn say(what: &str) {
    tracing::info!(target: "job", "{what}");
}

/// Emits a note when it is dropped.
struct SaysDropped;

impl Drop for SaysDropped {
    fn drop(&mut self) {
        say("dropped");
    }
}

/// Emits a note at each of its two polls, which are `ms(30)` apart.
fn chatty(time: &VirtualTime) -> impl FnMut(Run) -> futures::future::BoxFuture<'static, ()> + Send + 'static {
    let time = time.clone();
    move |_| {
        say("called");
        let (sleep, guard) = (time.sleep(ms(30)), SaysDropped);
        Box::pin(async move {
            let _guard = guard;
            say("first poll");
            sleep.await;
            say("later poll");
        })
    }
}

#[test]
fn each_run_has_a_span() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).name("beat").run(|| ()).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.jump(ms(60));
        time.advance(ms(60));
        let mut lines = notes.take();
        lines.retain(|line| line.starts_with("new"));
        let expected = [
            r#"new run job="beat" run=0 lateness_ms=60.0"#,
            r#"new run job="beat" run=1 lateness_ms=0.0"#,
        ];
        assert_eq!(lines, expected);
        assert_eq!(notes.open_spans(), 0);
    });
}

#[test]
fn the_span_of_a_run_by_a_calendar_names_the_slot() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).aligned().run(|| ()).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(100));
    });
    let lines = notes.take();
    let span = lines.iter().find(|line| line.starts_with("new run")).unwrap();
    assert!(
        span.ends_with(r#"run=0 lateness_ms=0.0 slot="2000-01-01T00:00:00.1Z""#),
        "{span}"
    );
}

#[test]
fn the_span_of_a_run_is_nobodys_child() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).name("beat").run(|| ()).unwrap();
    with_default(notes.clone(), || {
        let span = tracing::info_span!("main");
        span.in_scope(|| {
            scheduler.start().unwrap();
            time.run_until_stalled();
        });
    });
    let lines = notes.take();
    assert_eq!(lines[0], "new main");
    assert_eq!(lines[1], r#"new run job="beat" run=0 lateness_ms=0.0"#);
}

#[test]
fn the_jobs_own_events_lie_in_the_span_of_their_run() {
    let (time, scheduler, notes) = world();
    let blocking = || say("blocking");
    let target = chatty(&time);
    scheduler.every(ms(100)).run(|| say("synchronous")).unwrap();
    scheduler.every(ms(100)).run_blocking(blocking).unwrap();
    scheduler.every(ms(100)).run(target).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(130));
        let mut lines = notes.take_own();
        lines.sort();
        let of_run = |run: u64| {
            [
                "blocking",
                "called",
                "dropped",
                "first poll",
                "later poll",
                "synchronous",
            ]
            .map(|what| format!("INFO job: {what} in run {run}"))
        };
        let mut expected: Vec<_> = [of_run(0), of_run(1)].concat();
        expected.sort();
        assert_eq!(lines, expected);
        assert_eq!(notes.open_spans(), 0);
    });
}

#[test]
fn a_future_that_is_cancelled_is_dropped_in_its_span() {
    let stop: fn(&VirtualTime, Scheduler) = |time, scheduler| drop(time.block_on(scheduler.stop()));
    let drop_it: fn(&VirtualTime, Scheduler) = |time, scheduler| {
        drop(scheduler);
        time.run_until_stalled();
    };
    let shut_down: fn(&VirtualTime, Scheduler) = |time, scheduler| {
        time.shut_down();
        drop(scheduler);
    };
    for end in [stop, drop_it, shut_down] {
        let (time, scheduler, notes) = world();
        scheduler.every(ms(100)).run(chatty(&time)).unwrap();
        with_default(notes.clone(), || {
            scheduler.start().unwrap();
            time.advance(ms(10));
            notes.take();
            end(&time, scheduler);
            let mut lines = notes.take();
            lines.retain(|line| !line.starts_with("WARN"));
            assert_eq!(lines[0], "INFO job: dropped in run 0");
            assert!(lines[1].starts_with("TRACE atevery: run cancelled job="), "{lines:?}");
            assert!(lines[1].ends_with(" run=0 in run 0"), "{lines:?}");
            assert_eq!((lines.len(), notes.open_spans()), (2, 0));
        });
    }
}

#[test]
fn a_future_that_gives_way_or_times_out_is_dropped_in_its_span() {
    let (time, scheduler, notes) = world();
    let replaced = || async {
        let _guard = SaysDropped;
        std::future::pending::<()>().await;
    };
    let replace = scheduler.every(ms(100)).on_overlap(Overlap::Replace);
    replace.run(replaced).unwrap();
    scheduler.every(ms(1_000)).timeout(ms(50)).run(replaced).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(110));
        assert_eq!(notes.take_own(), ["INFO job: dropped in run 0"; 2]);
        assert_eq!(notes.open_spans(), 1);
    });
}

#[test]
fn each_attempt_lies_in_the_span_of_its_run() {
    let (time, scheduler, notes) = world();
    let target = || {
        say("attempt");
        Err("no pulse")
    };
    let retry = || [ms(10), ms(10)];
    scheduler.every(ms(100)).name("a").retry(retry).run(target).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(50));
        let mut lines = notes.take();
        lines.retain(|line| !line.starts_with("new") && !line.starts_with("TRACE"));
        let expected = [
            "INFO job: attempt in run 0",
            r#"WARN atevery: run is tried again job="a" run=0 error="no pulse" in run 0"#,
            "INFO job: attempt in run 0",
            r#"WARN atevery: run is tried again job="a" run=0 error="no pulse" in run 0"#,
            "INFO job: attempt in run 0",
            r#"ERROR atevery: run failed job="a" run=0 error="no pulse" in run 0"#,
        ];
        assert_eq!(lines, expected);
        assert_eq!(notes.open_spans(), 0);
    });
}

#[test]
fn failures_and_panics_are_errors() {
    let (time, scheduler, notes) = world();
    let failing = || "x".parse::<u8>().map(drop);
    let panics = || -> () { panic!("it is broken") };
    scheduler.every(ms(100)).name("fails").run(failing).unwrap();
    scheduler.every(ms(100)).name("panics").run(panics).unwrap();
    scheduler.every(ms(100)).name("blocks").run_blocking(panics).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.run_until_stalled();
    });
    let mut lines = notes.take_own();
    lines.sort();
    let expected = [
        r#"ERROR atevery: run failed job="fails" run=0 error="invalid digit found in string" in run 0"#,
        r#"ERROR atevery: run panicked job="blocks" run=0 error="it is broken" in run 0"#,
        r#"ERROR atevery: run panicked job="panics" run=0 error="it is broken" in run 0"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_else_is_worth_a_line() {
    let (time, scheduler, notes) = world();
    let endless = std::future::pending::<()>;
    let job = scheduler
        .every(ms(100))
        .name("a")
        .missed_ticks(MissedTicks::Skip)
        .run(|| ())
        .unwrap();
    scheduler
        .every(ms(10_000))
        .name("b")
        .timeout(ms(10))
        .run(endless)
        .unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(20));
        time.jump(ms(310));
        time.run_until_stalled();
        time.refuse_spawns(100);
        time.advance(ms(80));
        job.remove();
        let mut lines = notes.take();
        lines.retain(|line| !line.starts_with("new"));
        // An event before a run need not lie in the span of the run.
        let lines: Vec<_> = lines.iter().map(|line| line.split(" in run").next().unwrap()).collect();
        let expected = [
            r#"TRACE atevery: run started job="a" run=0"#,
            r#"TRACE atevery: run finished job="a" run=0"#,
            r#"TRACE atevery: run started job="b" run=0"#,
            r#"WARN atevery: run timed out job="b" run=0"#,
            r#"WARN atevery: intervals were missed job="a" run=1 count=2"#,
            r#"WARN atevery: run is late job="a" run=1 by_ms=230.0"#,
            r#"TRACE atevery: run started job="a" run=1"#,
            r#"TRACE atevery: run finished job="a" run=1"#,
            r#"WARN atevery: the executor refused a run job="a""#,
            r#"DEBUG atevery: job removed job="a""#,
        ];
        assert_eq!(lines, expected);
    });
}

#[test]
fn a_run_that_holds_its_thread_is_warned_of_with_the_way_out() {
    let (time, scheduler, notes) = world();
    let clock = time.clone();
    let target = move || {
        clock.block_for(Duration::from_micros(11_500));
        clock.sleep(ms(20))
    };
    scheduler.every(ms(1_000)).name("a").run(target).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(10_000));
    });
    let mut lines = notes.take();
    lines.retain(|line| line.starts_with("WARN"));
    let text = "WARN atevery: run held its thread; `run_blocking` is for code that blocks";
    assert_eq!(
        lines,
        [format!(r#"{text} job="a" run=0 held_ms=11.5 in run 0"#)],
        "once in ten seconds"
    );
}

#[test]

fn all_events_of_a_run_lie_in_its_span() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).name("a").run(|| ()).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.jump(ms(150));
        time.run_until_stalled();
    });
    let lines = notes.take();
    let outside = |line: &&String| !line.starts_with("new") && !line.contains(" in run ");
    assert_eq!(lines.iter().find(outside), None);
}

#[test]
fn whoever_wants_errors_only_gets_them_with_job_and_run() {
    let (time, scheduler, _) = world();
    let notes = Notes::filtered(Filter::Errors);
    scheduler.every(ms(100)).name("a").run(|| Err("no pulse")).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.run_until_stalled();
    });
    let expected = [
        r#"new run job="a" run=0 lateness_ms=0.0"#,
        r#"ERROR atevery: run failed job="a" run=0 error="no pulse" in run 0"#,
    ];
    assert_eq!(notes.take(), expected);
}

/// What the default formatter writes at these levels, without the time.
fn formatted(most: Level, scene: impl FnOnce()) -> Vec<String> {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(most)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    with_default(subscriber, scene);
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    written.lines().map(|line| line.trim_start().to_owned()).collect()
}

#[test]
fn a_line_of_the_default_formatter_names_job_and_run_once() {
    let (time, scheduler, _) = world();
    let retry = || [ms(10)];
    let fails = || Err("no pulse");
    scheduler.every(ms(1_000)).name("a").retry(retry).run(fails).unwrap();
    let blocks = scheduler.every(ms(1_000)).name("b").retry(retry);
    let removed = blocks.run_blocking(fails).unwrap();
    let skips = scheduler.every(ms(1_000)).missed_ticks(MissedTicks::Skip);
    skips.name("c").run(|| tracing::info!(target: "job", "here")).unwrap();
    let lines = formatted(Level::TRACE, || {
        scheduler.start().unwrap();
        time.advance(ms(100));
        time.jump(ms(3_100));
        time.run_until_stalled();
        removed.remove();
    });
    for expected in [
        r#"WARN run{job="a" run=0 lateness_ms=0.0}: atevery: run is tried again error="no pulse""#,
        r#"ERROR run{job="a" run=0 lateness_ms=0.0}: atevery: run failed error="no pulse""#,
        r#"WARN run{job="b" run=0 lateness_ms=0.0}: atevery: run is tried again error="no pulse""#,
        r#"ERROR run{job="b" run=0 lateness_ms=0.0}: atevery: run failed error="no pulse""#,
        r#"INFO run{job="c" run=0 lateness_ms=0.0}: job: here"#,
        r#"TRACE run{job="c" run=0 lateness_ms=0.0}: atevery: run finished"#,
        r#"WARN run{job="c" run=1 lateness_ms=2200.0}: atevery: intervals were missed count=2"#,
        r#"WARN run{job="c" run=1 lateness_ms=2200.0}: atevery: run is late by_ms=2200.0"#,
        r#"DEBUG atevery: job removed job="b""#,
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\n{lines:#?}");
    }
    for line in lines.iter().filter(|line| !is_of_a_scheduler(line)) {
        assert_eq!(line.matches("job=").count(), 1, "{line}");
        assert!(line.matches("run=").count() <= 1, "{line}");
    }
}

#[test]
fn of_errors_only_each_names_its_job_and_run_too() {
    let (time, scheduler, _) = world();
    scheduler.every(ms(100)).name("a").run(|| Err("no pulse")).unwrap();
    let lines = formatted(Level::ERROR, || {
        scheduler.start().unwrap();
        time.run_until_stalled();
    });
    let expected = [r#"ERROR run{job="a" run=0 lateness_ms=0.0}: atevery: run failed error="no pulse""#];
    assert_eq!(lines, expected);
}

#[test]
fn lengths_are_rounded_to_microseconds() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(1_000)).name("a").run(|| ()).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.jump(Duration::from_nanos(460_875));
        time.run_until_stalled();
        time.jump(Duration::from_nanos(1_200_000_000));
        time.run_until_stalled();
    });
    let lines = notes.take();
    assert_eq!(lines[0], r#"new run job="a" run=0 lateness_ms=0.461"#);
    let late = r#"WARN atevery: run is late job="a" run=1 by_ms=200.461 in run 1"#;
    assert!(lines.iter().any(|line| line == late), "{lines:#?}");
}

#[test]
fn a_start_and_a_stop_are_told_with_their_numbers() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler
        .every(ms(100))
        .name("endless")
        .run(std::future::pending::<()>)
        .unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        assert_eq!(
            notes.take_of_the_scheduler(),
            ["INFO atevery: scheduler started jobs=2"]
        );
        assert!(scheduler.start().is_err());
        time.run_until_stalled();
        assert_eq!(notes.take_of_the_scheduler(), [""; 0]);
        time.block_on(scheduler.stop());
        let stopped = "INFO atevery: scheduler stopped: 0 finished, 1 cancelled (endless), 0 still running finished=0 \
                       cancelled=1 still_running=0";
        assert_eq!(notes.take_of_the_scheduler(), [stopped]);
        // The scheduler is stopped already.
        time.block_on(scheduler.stop());
        scheduler.stop().detach();
        assert_eq!(notes.take_of_the_scheduler(), [""; 0]);
        scheduler.start().unwrap();
        scheduler.stop().detach();
        let expected = [
            "INFO atevery: scheduler started jobs=2",
            "INFO atevery: scheduler stopped, and its runs were left to end by themselves",
        ];
        assert_eq!(notes.take_of_the_scheduler(), expected);
    });
}

#[test]
fn one_of_two_stops_tells_of_the_end_and_a_stop_that_was_given_up_tells_too() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).run(std::future::pending::<()>).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.run_until_stalled();
        notes.take_of_the_scheduler();
        let stop = || scheduler.stop().grace(ms(50)).into_future();
        let (mut first, second) = (stop(), stop());
        assert!(futures::FutureExt::now_or_never(&mut first).is_none());
        time.block_on(second);
        assert_eq!(notes.take_of_the_scheduler(), [""; 0]);
        drop(first);
        time.run_until_stalled();
        assert_eq!(notes.take_of_the_scheduler().len(), 1);
    });
}

#[test]
fn a_scheduler_that_is_dropped_while_it_runs_is_warned_of() {
    let warnings = |notes: &Notes| {
        let mut lines = notes.take();
        lines.retain(|line| line.starts_with("WARN"));
        lines
    };
    let stop: fn(&VirtualTime, &Scheduler) = |time, scheduler| drop(time.block_on(scheduler.stop()));
    let detach: fn(&VirtualTime, &Scheduler) = |_, scheduler| scheduler.stop().detach();
    let remove: fn(&VirtualTime, &Scheduler) = |_, scheduler| scheduler.jobs().iter().for_each(Job::remove);
    let nothing: fn(&VirtualTime, &Scheduler) = |_, _| ();
    for (starts, end, is_told) in [
        (true, nothing, true),
        (false, nothing, false),
        (true, stop, false),
        (true, detach, false),
        (true, remove, false),
    ] {
        let (time, scheduler, notes) = world();
        scheduler.every(ms(100)).run(|| ()).unwrap();
        scheduler.every(ms(100)).run(std::future::pending::<()>).unwrap();
        with_default(notes.clone(), || {
            if starts {
                scheduler.start().unwrap();
            }
            time.run_until_stalled();
            end(&time, &scheduler);
            let other = scheduler.clone();
            drop(scheduler);
            assert_eq!(warnings(&notes), [""; 0]);
            drop(other);
        });
        let expected = "WARN atevery: a running scheduler was dropped, and its jobs ended jobs=2";
        assert_eq!(warnings(&notes), vec![expected; usize::from(is_told)]);
    }
}

/// So many jobs that most runs are not timed; see `JobStatus`.
fn crowd(scheduler: &Scheduler) -> Vec<Job> {
    (0..1_000)
        .map(|_| scheduler.every(ms(100)).run(|| say("here")).unwrap())
        .collect()
}

fn measured(job: &Job) -> u32 {
    job.status().lateness().into_iter().map(|(_, runs)| runs).sum()
}

#[test]
fn without_a_subscriber_nothing_is_emitted_and_nothing_measured_for_it() {
    let (time, scheduler, notes) = world();
    let jobs = crowd(&scheduler);
    scheduler.start().unwrap();
    time.advance(ms(950));
    if !cfg!(feature = "metrics") {
        assert!(jobs.iter().all(|job| (job.runs(), measured(job)) == (10, 1)));
    }
    with_default(notes.clone(), || time.advance(ms(100)));
    // From then on, the subscriber gets all events.
    assert_eq!(notes.take().len(), 4 * 1_000);
    assert!(jobs.iter().all(|job| measured(job) >= 2));
}

#[test]
fn a_subscriber_that_does_not_want_events_gets_none() {
    let (time, scheduler, _) = world();
    let notes = Notes::filtered(Filter::NotOurs);
    let jobs = crowd(&scheduler);
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(150));
    });
    assert_eq!(notes.take(), vec!["INFO job: here"; 2_000]);
    if !cfg!(feature = "metrics") {
        assert!(jobs.iter().all(|job| measured(job) == 1));
    }
}

#[test]
fn a_subscriber_that_panics_at_an_event_harms_no_run() {
    struct Panics;

    impl Subscriber for Panics {
        fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
            Interest::sometimes()
        }

        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            panic!("a subscriber panics");
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    let (time, scheduler, _) = world();
    let job = scheduler.every(ms(100)).run(|| Err("no pulse")).unwrap();
    with_default(Panics, || {
        scheduler.start().unwrap();
        time.advance(ms(250));
        assert!(time.block_on(scheduler.stop()).is_clean());
    });
    let status = job.status();
    assert_eq!((status.runs(), status.failures()), (3, 3));
}

/// The span is entered on each thread that polls the run.
#[test]
fn a_future_that_moves_between_threads_takes_its_span_along() {
    let (time, scheduler, notes) = world();
    scheduler.every(ms(100)).run(chatty(&time)).unwrap();
    let polled = with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.advance(ms(10));
        notes.take_own()
    });
    assert_eq!(polled, ["INFO job: called in run 0", "INFO job: first poll in run 0"]);
    let (there, clock) = (notes.clone(), time.clone());
    let polled = std::thread::spawn(move || {
        with_default(there.clone(), || {
            clock.advance(ms(30));
            there.take_own()
        })
    });
    assert_eq!(
        polled.join().unwrap(),
        ["INFO job: later poll in run 0", "INFO job: dropped in run 0"]
    );
    assert_eq!(notes.open_spans(), 0);
}

/// A job that instruments its own future keeps the run's span as the parent.
#[test]
fn a_span_of_the_jobs_own_is_a_child_of_the_runs() {
    let (time, scheduler, notes) = world();
    let target = || {
        let span = tracing::info_span!(target: "job", "step");
        span.in_scope(|| say("in a step"));
    };
    scheduler.every(ms(100)).run(target).unwrap();
    with_default(notes.clone(), || {
        scheduler.start().unwrap();
        time.run_until_stalled();
    });
    let lines = notes.take();
    assert!(lines.contains(&String::from("new step in run 0")), "{lines:?}");
    assert!(
        lines.contains(&String::from("INFO job: in a step in run 0, step")),
        "{lines:?}"
    );
}
