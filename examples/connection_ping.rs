//! Ten thousand connections on Tokio. Each has a ping of its own: a job whose runs the connection does itself, beside
//! the messages that it reads, with state that both borrow.
//!
//! `cargo run --example connection_ping`
//!
//! The tests at the end play connections on virtual time: `cargo test --example connection_ping`

use std::error::Error;
use std::time::Duration;

use atevery::runtime::Tokio;
use atevery::{FirstRun, Scheduler};
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::{StreamExt, select};

const CONNECTIONS: usize = 10_000;

/// How often a connection sends a ping.
const PING: Duration = Duration::from_secs(1);

/// After this many pings without a sign of life, the peer counts as gone.
const MOST_UNANSWERED: usize = 2;

/// What happened on a connection.
#[derive(Debug, Default, PartialEq, Eq)]
struct Summary {
    messages: usize,
    pings: usize,
    end: End,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    HungUp,
    /// The peer has answered no ping.
    Silent,
    /// The scheduler has stopped, and so does the service.
    Shutdown,
}

/// Serves a connection until its end. Every message of the peer is a sign of life.
async fn serve(scheduler: &Scheduler, mut messages: Receiver<&'static str>) -> Result<Summary, atevery::Error> {
    let mut summary = Summary::default();
    let mut unanswered = 0;
    let first = FirstRun::Within(PING); // else all connections would ping at the same instant
    let mut ticks = scheduler.every(PING).name("ping").first_run(first).ticks()?;
    loop {
        select! {
            run = ticks.next() => {
                if run.is_none() {
                    summary.end = End::Shutdown;
                    return Ok(summary);
                }
                if unanswered == MOST_UNANSWERED {
                    summary.end = End::Silent;
                    return Ok(summary);
                }
                unanswered += 1;
                summary.pings += 1;
            }
            message = messages.next() => {
                if message.is_none() {
                    return Ok(summary);
                }
                unanswered = 0;
                summary.messages += 1;
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let scheduler = Scheduler::new(Tokio::current());
    scheduler.start()?;

    let mut peers = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (peer, messages) = channel(8);
        let scheduler = scheduler.clone();
        peers.push(peer);
        connections.push(tokio::spawn(async move { serve(&scheduler, messages).await }));
    }
    println!("{CONNECTIONS} connections, a ping each every {PING:?}");
    let left = play(peers).await;

    // The connections that are left hold a `Ticks` each, which ends now.
    let report = scheduler.stop().timeout(Duration::from_secs(5)).await;
    let mut counts = [0; 3];
    let mut pings = 0;
    for connection in connections {
        let summary = connection.await??;
        counts[summary.end as usize] += 1;
        pings += summary.pings;
    }
    let [hung_up, silent, shut_down] = counts;
    println!("{hung_up} hung up, {silent} fell silent, {shut_down} shut down, after {pings} pings");
    println!("{report}");
    drop(left);
    Ok(())
}

/// The other side: a third of the peers hangs up, a third falls silent, the rest talks on.
async fn play(mut peers: Vec<Sender<&'static str>>) -> Vec<Sender<&'static str>> {
    let third = peers.len() / 3;
    peers.drain(..third);
    for _ in 0..4 {
        tokio::time::sleep(PING).await;
        for peer in &mut peers[third..] {
            let _ = peer.try_send("pong");
        }
    }
    peers
}

#[cfg(test)]
mod tests {
    use super::*;
    use atevery::testing::VirtualTime;

    /// Serves a connection whose peer talks as `talk` says.
    fn served(talk: impl AsyncFnOnce(&VirtualTime, &mut Sender<&'static str>)) -> (Summary, Duration) {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        scheduler.start().unwrap();
        let (mut peer, messages) = channel(8);
        let talk = async {
            talk(&time, &mut peer).await;
            drop(peer);
        };
        let (summary, ()) = time.block_on(futures::future::join(serve(&scheduler, messages), talk));
        assert!(scheduler.jobs().is_empty(), "the ping ends with its connection");
        (summary.unwrap(), time.elapsed())
    }

    #[test]
    fn a_peer_that_talks_stays() {
        let (summary, _) = served(async |time, peer| {
            for _ in 0..3_600 {
                time.sleep(PING).await;
                peer.try_send("pong").unwrap();
            }
        });
        assert_eq!((summary.messages, summary.end), (3_600, End::HungUp));
        assert!((3_599..=3_601).contains(&summary.pings), "{summary:?}");
    }

    #[test]
    fn a_peer_that_falls_silent_is_given_up() {
        let (summary, elapsed) = served(async |time, _| time.sleep(PING * 3_600).await);
        assert_eq!((summary.pings, summary.end), (MOST_UNANSWERED, End::Silent));
        assert!(elapsed <= PING * 3_600);
    }

    #[test]
    fn a_peer_that_hangs_up_leaves_no_job() {
        let (summary, elapsed) = served(async |_, _| ());
        assert_eq!((summary.end, elapsed), (End::HungUp, Duration::ZERO));
    }
}
