//! A health check: each attempt has a limit, a failed attempt is repeated after a back-off, and the third failure in a
//! row raises the alarm.
//!
//! `cargo run --example health_check`
//!
//! The tests at the end play an outage on virtual time: `cargo test --example health_check`

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use atevery::runtime::{Runtime, Tokio};
use atevery::{Event, EventKind, Job, Scheduler};
use backon::{BackoffBuilder, ConstantBuilder};
use futures::future::BoxFuture;

/// The alarm is raised when so many checks in a row have failed.
const FAILURES: u64 = 3;

/// The times of a check.
#[derive(Debug, Clone, Copy)]
struct Plan {
    interval: Duration,
    /// Of each attempt.
    limit: Duration,
    /// Before the second and the third attempt.
    wait: Duration,
}

/// Asks the service whether it is well.
type Ask = fn(u32) -> BoxFuture<'static, io::Result<()>>;

/// A scheduler that raises the alarm.
fn watching(runtime: impl Runtime, alarm: impl Fn(&str) + Send + Sync + 'static) -> Result<Scheduler, atevery::Error> {
    let raise = move |event: &Event| {
        let is_failure = matches!(
            event.kind(),
            EventKind::Failed(_) | EventKind::TimedOut | EventKind::Panicked(_)
        );
        if is_failure && event.consecutive_failures() == FAILURES {
            alarm(event.job().name());
        }
    };
    Scheduler::builder(runtime).on_event(raise).build()
}

fn check(scheduler: &Scheduler, name: &str, plan: Plan, ask: Ask) -> Result<Job, atevery::Error> {
    let asked = AtomicU32::new(0);
    scheduler
        .every(plan.interval)
        .name(name)
        .attempt_timeout(plan.limit)
        .retry(move || {
            ConstantBuilder::default()
                .with_delay(plan.wait)
                .with_max_times(2)
                .build()
        })
        .run(move || ask(asked.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    /// Well at first, then it hangs.
    fn ask(number: u32) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            println!("ask {number}");
            if number >= 3 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
    let plan = Plan {
        interval: Duration::from_millis(400),
        limit: Duration::from_millis(50),
        wait: Duration::from_millis(30),
    };
    let scheduler = watching(Tokio::current(), |name| println!("ALARM: {name}"))?;
    let job = check(&scheduler, "database", plan, ask)?;
    scheduler.start()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let status = job.status();
    println!(
        "{} checks, {} failed, the last {} in a row",
        status.runs(),
        status.failures(),
        status.consecutive_failures()
    );
    println!("last error: {}", status.last_error().unwrap_or("none"));
    println!("{}", scheduler.stop().await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;
    use std::sync::{Arc, Mutex};

    const SECOND: Duration = Duration::from_secs(1);

    const PLAN: Plan = Plan {
        interval: Duration::from_secs(60),
        limit: Duration::from_secs(5),
        wait: Duration::from_secs(2),
    };

    /// Plays a service for so many minutes. Returns the job, and the seconds at which the alarm was raised.
    fn played(minutes: u32, ask: Ask) -> (Job, Vec<u64>) {
        let time = VirtualTime::new();
        let alarms = Arc::new(Mutex::new(Vec::new()));
        let (raised, clock) = (Arc::clone(&alarms), time.clone());
        let alarm = move |_: &str| raised.lock().unwrap().push(clock.elapsed().as_secs());
        let scheduler = watching(time.clone(), alarm).unwrap();
        let job = check(&scheduler, "service", PLAN, ask).unwrap();
        scheduler.start().unwrap();
        time.advance(SECOND * 60 * minutes - SECOND);
        let alarms = alarms.lock().unwrap().clone();
        (job, alarms)
    }

    #[test]
    fn a_service_that_is_well_raises_no_alarm() {
        let (job, alarms) = played(60, |_| Box::pin(async { Ok(()) }));
        assert_eq!((job.runs(), job.status().failures(), alarms.len()), (60, 0, 0));
    }

    #[test]
    fn an_outage_raises_one_alarm_at_the_third_failure() {
        let (job, alarms) = played(60, |_| Box::pin(async { Err(io::Error::other("down")) }));
        // Each check makes three attempts, with 2 s between them.
        assert_eq!(alarms, [124]);
        assert_eq!(job.status().consecutive_failures(), 60);
    }

    #[test]
    fn a_service_that_hangs_fails_after_the_limit_of_three_attempts() {
        let (job, alarms) = played(3, |_| Box::pin(std::future::pending()));
        assert_eq!(alarms, [120 + 5 + 2 + 5 + 2 + 5]);
        assert_eq!((job.runs(), job.status().failures(), job.status().retries()), (3, 3, 6));
    }

    #[test]
    fn a_flaky_service_is_asked_again_and_raises_no_alarm() {
        let flaky: Ask = |number| {
            Box::pin(async move {
                if number % 2 == 0 {
                    Err(io::Error::other("busy"))
                } else {
                    Ok(())
                }
            })
        };
        let (job, alarms) = played(60, flaky);
        assert_eq!(
            (job.status().failures(), job.status().retries(), alarms.len()),
            (0, 60, 0)
        );
    }
}
