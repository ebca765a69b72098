//! A token that is renewed before it expires. Each answer of the service says how long its token lives, so each run
//! says when the next one comes.
//!
//! `cargo run --example token_refresh`
//!
//! The tests at the end play a day with failures on virtual time: `cargo test --example token_refresh`

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use atevery::runtime::Tokio;
use atevery::{Job, Run, Scheduler};

/// After a failure, the next attempt comes after this interval.
const AGAIN: Duration = Duration::from_millis(200);

/// A token is renewed when this part of its life is over.
const RENEWED_AT: f64 = 0.8;

/// Hands out tokens that live for a while.
trait Issuer: Send + Sync + 'static {
    fn issue(&self) -> impl Future<Output = io::Result<(String, Duration)>> + Send;
}

/// The token of the moment.
#[derive(Clone, Default)]
struct Token(Arc<Mutex<Option<(String, Instant)>>>);

impl Token {
    /// Renews the token for as long as `scheduler` runs.
    fn keep_fresh(scheduler: &Scheduler, issuer: impl Issuer) -> Result<(Token, Job), atevery::Error> {
        let token = Token::default();
        let (fresh, issuer) = (token.clone(), Arc::new(issuer));
        let renew = move |run: Run| {
            let (token, issuer) = (fresh.clone(), issuer.clone());
            async move {
                // After an error, the schedule stays as it is: the next run comes after `AGAIN`.
                let (text, life) = issuer.issue().await?;
                token.set(text, run.started() + life);
                run.next_in(life.mul_f64(RENEWED_AT));
                Ok::<(), io::Error>(())
            }
        };
        let job = scheduler.every(AGAIN).name("renew the token").run(renew)?;
        Ok((token, job))
    }

    fn set(&self, text: String, expires: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((text, expires));
    }

    /// The token, unless it has expired.
    fn get(&self, now: Instant) -> Option<String> {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, expires) = token.as_ref()?;
        (now < *expires).then(|| text.clone())
    }
}

/// Issues tokens that live for a second. Every third request fails.
#[derive(Default)]
struct Demo(Mutex<u32>);

impl Issuer for Demo {
    async fn issue(&self) -> io::Result<(String, Duration)> {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *requests += 1;
        let number = *requests;
        println!("request {number}");
        if number % 3 == 0 {
            return Err(io::Error::other("the service is busy"));
        }
        Ok((format!("token {number}"), Duration::from_secs(1)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scheduler = Scheduler::new(Tokio::current());
    let (token, job) = Token::keep_fresh(&scheduler, Demo::default())?;
    scheduler.start()?;
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        println!("  {:?}", token.get(scheduler.now()));
    }
    println!("{} renewals, {} failed", job.runs(), job.status().failures());
    println!("{}", scheduler.stop().await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Tokens live for as many minutes as their number says, up to an hour. Every fifth request fails.
    struct Varied(Mutex<u32>);

    impl Issuer for Varied {
        async fn issue(&self) -> io::Result<(String, Duration)> {
            let mut requests = self.0.lock().unwrap();
            *requests += 1;
            let number = *requests;
            if number % 5 == 0 {
                return Err(io::Error::other("the service is busy"));
            }
            Ok((number.to_string(), MINUTE * number.min(60)))
        }
    }

    #[test]
    fn there_is_a_token_at_every_moment_of_a_day() {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let (token, job) = Token::keep_fresh(&scheduler, Varied(Mutex::new(0))).unwrap();
        assert_eq!(token.get(scheduler.now()), None);
        scheduler.start().unwrap();
        time.run_until_stalled();
        for second in 0..86_400 {
            assert!(token.get(scheduler.now()).is_some(), "after {second} s");
            time.advance(Duration::from_secs(1));
        }
        assert!(job.runs() < 70, "{} requests are too many", job.runs());
        assert!(job.status().failures() > 10);
    }

    #[test]
    fn a_token_is_renewed_when_most_of_its_life_is_over() {
        struct Hourly;
        impl Issuer for Hourly {
            async fn issue(&self) -> io::Result<(String, Duration)> {
                Ok(("token".into(), MINUTE * 60))
            }
        }
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let (_, job) = Token::keep_fresh(&scheduler, Hourly).unwrap();
        scheduler.start().unwrap();
        time.advance(MINUTE * 48 - Duration::from_millis(1));
        assert_eq!(job.runs(), 1);
        time.advance(Duration::from_millis(1));
        assert_eq!(job.runs(), 2);
    }
}
