//! Periodic work that comes and goes: 10,000 owners, each with a job, `Ticks` or an interval of its own. Every owner
//! lives for a while, then another takes its place.
//!
//! `cargo run --release --bin churn`. Each kind of work is measured in a process of its own.

use std::future::Future;
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atevery::runtime::Tokio;
use atevery::{FirstRun, JobBuilder, Scheduler};
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};
use peers::Error;
use peers::usage::{resident, usage};
use tokio::runtime::Builder;
use tokio::time::{interval_at, sleep, sleep_until};

const OWNERS: u64 = 10_000;
const INTERVAL: Duration = Duration::from_millis(300);
const WINDOW: Duration = Duration::from_secs(10);

/// How long an owner lives. With 1 s, 10,000 come and 10,000 go each second.
const LIVES: [Duration; 3] = [Duration::MAX, Duration::from_millis(2_500), Duration::from_secs(1)];

const KINDS: [&str; 5] = ["interval", "ticks", "spawned", "job", "async job"];

static RUNS: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [kind, life] = &arguments[..] {
        let kind = KINDS.into_iter().find(|other| other == kind).ok_or("an unknown kind")?;
        return measure(kind, LIVES[life.parse::<usize>()?]);
    }
    println!("| kind | life | runs | ns of CPU per run | kB |\n| --- | ---: | ---: | ---: | ---: |");
    for life in 0..LIVES.len() {
        for kind in KINDS {
            let status = Command::new(std::env::current_exe()?)
                .args([kind, &life.to_string()])
                .status()?;
            if !status.success() {
                return Err(format!("{kind} failed").into());
            }
        }
    }
    Ok(())
}

fn measure(kind: &'static str, life: Duration) -> Result<(), Error> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    let before = usage()?.cpu;
    let memory = runtime.block_on(play(kind, life))?;
    let cpu = usage()?.cpu - before;
    let runs = RUNS.load(Ordering::Relaxed);
    let life = if life == Duration::MAX {
        "for ever".to_owned()
    } else {
        format!("{life:?}")
    };
    println!(
        "| {kind} | {life} | {runs} | {} | {} |",
        cpu.as_nanos() / u128::from(runs.max(1)),
        memory / 1024
    );
    Ok(())
}

async fn play(kind: &'static str, life: Duration) -> Result<u64, Error> {
    let scheduler = Scheduler::new(Tokio::current());
    scheduler.start()?;
    let end = Instant::now() + WINDOW;
    let owners: Vec<_> = (0..OWNERS)
        .map(|number| {
            let scheduler = scheduler.clone();
            tokio::spawn(async move {
                sleep(INTERVAL.mul_f64(number as f64 / OWNERS as f64)).await;
                while Instant::now() < end {
                    let until = Instant::now().checked_add(life).map_or(end, |until| until.min(end));
                    own(kind, &scheduler, sleep_until(until.into())).await;
                }
            })
        })
        .collect();
    sleep(WINDOW - INTERVAL / 2).await;
    let memory = resident()?;
    for owner in owners {
        owner.await?;
    }
    assert!(scheduler.jobs().is_empty(), "a job is left");
    Ok(memory)
}

/// One owner, until the end of its life.
async fn own(kind: &str, scheduler: &Scheduler, end: impl Future<Output = ()>) {
    let every = || scheduler.every(INTERVAL).first_run(FirstRun::AfterInterval);
    match kind {
        "interval" => beside(tick(), end).await,
        "ticks" => beside(take(every()), end).await,
        "spawned" => {
            let task = tokio::spawn(tick());
            end.await;
            task.abort();
        }
        "job" => {
            let job = every().run(count).expect("a job").remove_on_drop();
            end.await;
            drop(job);
        }
        _ => {
            let job = every().run(async || count()).expect("a job").remove_on_drop();
            end.await;
            drop(job);
        }
    }
}

async fn tick() {
    let mut interval = interval_at(tokio::time::Instant::now() + INTERVAL, INTERVAL);
    loop {
        interval.tick().await;
        count();
    }
}

async fn take(job: JobBuilder) {
    let mut ticks = job.ticks().expect("ticks");
    while ticks.next().await.is_some() {
        count();
    }
}

/// In the same task, as `select!` does.
async fn beside(work: impl Future<Output = ()>, end: impl Future<Output = ()>) {
    match select(pin!(end.fuse()), pin!(work)).await {
        Either::Left(_) | Either::Right(_) => {}
    }
}

fn count() {
    RUNS.fetch_add(1, Ordering::Relaxed);
}
