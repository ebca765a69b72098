//! The floor: one thread that sleeps from tick to tick and calls the due jobs. It has no executor, no cancellation, no
//! status, and catches no panics. Any engine that does more costs more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Engine;
use crate::Error;
use crate::probe::Grid;
use crate::work::{AddJob, Work, add_jobs};

const TICK: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct LimitLive {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Engine for LimitLive {
    fn start(&mut self, work: &Work) -> Result<(), Error> {
        let (origin, tick) = (Instant::now(), work.resolution.unwrap_or(TICK));
        work.probe.set_grid(Grid { origin, step: tick });
        let mut ticker = Ticker {
            origin,
            tick,
            work: work.clone(),
            jobs: Vec::new(),
            ticks: Vec::new(),
            buckets: BTreeMap::new(),
        };
        add_jobs(work, &mut ticker);
        let stop = Arc::clone(&self.stop);
        self.thread = Some(thread::spawn(move || ticker.run(&stop)));
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().map_err(|_| "the ticker panicked")?;
        }
        Ok(())
    }
}

struct Ticker {
    origin: Instant,
    tick: Duration,
    work: Work,
    jobs: Vec<Box<dyn Fn() + Send>>,
    /// The interval of each job, in ticks.
    ticks: Vec<u32>,
    buckets: BTreeMap<u64, Vec<u32>>,
}

impl AddJob for Ticker {
    fn add(&mut self, job: usize, run: impl Fn() + Clone + Send + Sync + 'static) {
        let delay = self.work.first(job).saturating_duration_since(self.origin);
        let tick = delay.as_nanos().div_ceil(self.tick.as_nanos()) as u64;
        self.buckets.entry(tick).or_default().push(self.jobs.len() as u32);
        self.jobs.push(Box::new(run));
        self.ticks
            .push((self.work.interval.as_nanos() / self.tick.as_nanos()) as u32);
    }
}

impl Ticker {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let Some((tick, due)) = self.buckets.pop_first() else {
                return;
            };
            let time = self.origin + self.tick * tick as u32;
            if wait_until(time, stop) {
                self.serve(tick, due);
            }
        }
    }

    fn serve(&mut self, tick: u64, due: Vec<u32>) {
        // Neighbours mostly go to the same bucket, so the bucket is looked up only when it changes.
        let (mut held_tick, mut held) = (0, Vec::new());
        for job in due {
            (self.jobs[job as usize])();
            let next = tick + u64::from(self.ticks[job as usize]);
            if next != held_tick {
                self.put(held_tick, held);
                held = self.buckets.remove(&next).unwrap_or_default();
                held_tick = next;
            }
            held.push(job);
        }
        self.put(held_tick, held);
    }

    fn put(&mut self, tick: u64, jobs: Vec<u32>) {
        if !jobs.is_empty() {
            self.buckets.insert(tick, jobs);
        }
    }
}

/// Returns `false` if the engine was stopped before.
fn wait_until(time: Instant, stop: &AtomicBool) -> bool {
    loop {
        let now = Instant::now();
        if stop.load(Ordering::Relaxed) || now >= time {
            return now >= time;
        }
        thread::park_timeout(time - now);
    }
}
