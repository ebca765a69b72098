//! Jobs that fail: each job runs again, and no other job notices.

use std::future::poll_fn;
use std::io;
use std::panic;
use std::task::Poll;

use super::Host;
use super::scene::{Fate, assert_fate, quick_job, runs_on};
use super::waiting::{INTERVAL, eventually, finish};
use crate::{Error, Job, Scheduler};

/// A job that panics when it is called.
pub fn panic_in_call(host: Host) {
    goes_on_beside(&host, |scheduler| scheduler.every(INTERVAL).run(fault));
    goes_on_beside(&host, |scheduler| {
        scheduler.every(INTERVAL).run(|| {
            fault();
            async {}
        })
    });
}

/// A job whose future panics, before and after an await.
pub fn panic_in_future(host: Host) {
    goes_on_beside(&host, |scheduler| scheduler.every(INTERVAL).run(|| async { fault() }));
    let runtime = host.runtime();
    goes_on_beside(&host, |scheduler| {
        scheduler.every(INTERVAL).run(move || {
            let sleep = runtime.sleep_until(runtime.now() + INTERVAL / 4);
            async move {
                sleep.await;
                fault();
            }
        })
    });
}

/// A blocking job that panics.
pub fn panic_in_blocking_job(host: Host) {
    goes_on_beside(&host, |scheduler| scheduler.every(INTERVAL).run_blocking(fault));
}

/// A job whose future panics in its `Drop`: at the end of the run, and when the run is cancelled.
pub fn panic_in_destructor(host: Host) {
    goes_on_beside(&host, |scheduler| {
        scheduler.every(INTERVAL).run(|| {
            let bomb = Bomb;
            poll_fn(move |_| {
                let _bomb = &bomb;
                Poll::Ready(())
            })
        })
    });
    let scheduler = host.scheduler();
    let bombs = scheduler.every(INTERVAL).run(|| async {
        let _bomb = Bomb;
        std::future::pending::<()>().await;
    });
    let (bombs, quick) = (bombs.expect("the job is valid"), quick_job(&scheduler));
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the first run begins", || bombs.runs() == 1);
    let report = finish("the stop returns", scheduler.stop());
    assert_fate(&report, &bombs, Fate::Cancelled);
    scheduler.start().expect("the runtime takes the scheduler again");
    runs_on(&quick);
}

/// Jobs that return an error.
pub fn error(host: Host) {
    goes_on_beside(&host, |scheduler| {
        scheduler.every(INTERVAL).run(|| Err::<(), _>("an error"))
    });
    goes_on_beside(&host, |scheduler| {
        scheduler.every(INTERVAL).run(|| async { Err::<(), _>("an error") })
    });
    goes_on_beside(&host, |scheduler| {
        scheduler
            .every(INTERVAL)
            .run_blocking(|| Err::<(), _>(io::Error::other("an error")))
    });
}

/// Checks that the job and a second job run again and again, and that the scheduler can be stopped.
#[track_caller]
fn goes_on_beside(host: &Host, register: impl FnOnce(&Scheduler) -> Result<Job, Error>) {
    let scheduler = host.scheduler();
    let (faulty, healthy) = (register(&scheduler).expect("the job is valid"), quick_job(&scheduler));
    scheduler.start().expect("the runtime takes the scheduler");
    runs_on(&faulty);
    runs_on(&healthy);
    let report = finish("the stop returns", scheduler.stop());
    assert!(report.is_clean());
    assert!(!faulty.is_running());
}

/// Panics without a message on standard error.
fn fault() {
    panic::resume_unwind(Box::new("a panic of the conformance suite"));
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        fault();
    }
}
