//! Every option, and a check that the job has it.
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, JobState, MissedTicks, Overlap, Run, Scheduler, every};

static CLOCK: LazyLock<VirtualTime> = LazyLock::new(VirtualTime::new);

fn in_an_hour() -> Instant {
    use atevery::runtime::Timer;
    CLOCK.now() + Duration::from_secs(3_600)
}

fn waits() -> [Duration; 2] {
    [Duration::from_millis(10), Duration::from_secs(1)]
}

#[every("1m", name = "when", jitter = Duration::from_secs(5), times = 3, until = in_an_hour())]
fn when() {}

#[every("1m", fixed_delay, name = "from end", first_run = FirstRun::AfterInterval)]
async fn from_end() {}

#[every("1m", missed_ticks = MissedTicks::Delay, fixed_delay, tag = "x", name = "all policies")]
async fn policies() {}

#[every("1m", timeout = Duration::from_secs(1), name = "timeout")]
async fn limited() {
    std::future::pending().await
}

#[every("1h", retry = || [Duration::from_secs(1); 2], name = "closure")]
#[every("1h", retry = waits, name = "function", blocking)]
fn fails() -> Result<(), &'static str> {
    Err("never works")
}

#[every("1m", 7, on_overlap = Overlap::Wait, name = "wait")]
#[every("1m", 7, on_overlap = Overlap::Skip, name = "skip")]
#[every("1m", 7, on_overlap = Overlap::Replace, name = "replace")]
#[every("1m", 7, on_overlap = Allow(2), name = "allow")]
async fn endless(_run: Run, argument: u64) {
    assert_eq!(argument, 7);
    std::future::pending().await
}

#[every("1m", blocking, on_overlap = Allow(2), name = "blocking allow")]
#[every("1m", blocking, on_overlap = Overlap::Replace, name = "blocking replace")]
fn blocks(run: &Run) {
    assert!(!run.is_cancelled());
}

#[every("1m", group = ("db", 4), name = "group with limit")]
#[every("1m", group = "db", name = "group")]
#[every("1m", group = String::from("mail"), name = "group of a string")]
async fn grouped() {}

#[every(
    "1m",
    "argument",
    name = "everything",
    missed_ticks = MissedTicks::Skip,
    first_run = FirstRun::Within(Duration::from_millis(1)),
    jitter = Duration::from_millis(1),
    times = 1_000,
    until = in_an_hour(),
    fixed_delay,
    timeout = Duration::from_secs(30),
    attempt_timeout = "10s",
    retry = waits,
    on_overlap = Allow(2),
    group = ("all", 1),
    tag = "all",
    tag = "more",
)]
async fn everything(_argument: &str) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {
    let time = CLOCK.clone();
    let scheduler = Scheduler::builder(time.clone()).seed(1).build().unwrap();
    scheduler.group("mail", 2).unwrap();
    let jobs = scheduler.add_registered().unwrap();
    assert_eq!(jobs.len(), 16);
    let job = |name| jobs.iter().find(|job| job.name() == name).expect(name);
    scheduler.start().unwrap();

    time.advance(Duration::from_secs(59));
    assert_eq!(job("from end").runs(), 0);
    assert_eq!(job("timeout").status().timeouts(), 1);
    for name in ["closure", "function"] {
        let status = job(name).status();
        assert_eq!((status.retries(), status.failures()), (2, 1), "{name}");
    }

    time.advance(Duration::from_secs(600));
    assert_eq!(
        (job("when").runs(), job("when").status().state()),
        (3, JobState::Removed)
    );
    assert_eq!((job("wait").runs(), job("skip").runs()), (1, 1));
    assert_eq!((job("replace").runs(), job("replace").status().cancelled()), (11, 10));
    assert_eq!(job("allow").runs(), 2);
    for name in [
        "group",
        "group with limit",
        "group of a string",
        "blocking allow",
        "blocking replace",
    ] {
        assert_eq!(job(name).runs(), 11, "{name}");
    }

    time.advance(Duration::from_secs(7_200));
    assert_eq!(job("everything").status().state(), JobState::Removed);
    assert!(job("everything").runs() > 50);
    assert_eq!(job("everything").tags(), ["all", "more"]);
}
