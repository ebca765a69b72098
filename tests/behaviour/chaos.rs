//! An executor that refuses and drops what it is given, at random, while jobs come, go and change: once it works again, all jobs
//! run. `CHAOS=1000` takes as many seeds.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::{Allow, Job, MissedTicks, Overlap, Scheduler};

use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, SECOND, drive, ms, yield_now};

const INTERVAL: Duration = ms(100);

/// A number that looks random.
struct Random(u64);

impl Random {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

type BoxFuture = Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>>;

/// A target whose runs take some turns, and fail now and then.
fn target(guard: impl Send + Sync + 'static, turns: u64, fails: bool) -> impl Fn() -> BoxFuture + Send + Sync {
    move || {
        let _guard = &guard;
        Box::pin(async move {
            for _ in 0..turns {
                yield_now().await;
            }
            if turns == 7 {
                pending::<()>().await;
            }
            if fails { Err("it failed") } else { Ok(()) }
        })
    }
}

struct Scene {
    random: Random,
    naive: Naive,
    clock: Clock,
    scheduler: Scheduler,
    jobs: Vec<(Job, bool)>,
    registered: usize,
    dropped: Count,
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let (naive, clock) = (Naive::new(), Clock::new());
        Scene {
            random: Random(seed),
            scheduler: Scheduler::new((naive.clone(), clock.clone())),
            naive,
            clock,
            jobs: Vec::new(),
            registered: 0,
            dropped: Count::default(),
        }
    }

    fn register(&mut self) {
        self.registered += 1;
        let guard = self.dropped.on_drop();
        let random = &mut self.random;
        let mut builder = self.scheduler.every(INTERVAL);
        let mut goes_on = true;
        let policies = [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay];
        builder = builder.missed_ticks(policies[random.below(3) as usize]);
        if random.one_in(6) {
            builder = builder.times(1 + random.below(3));
            goes_on = false;
        }
        if random.one_in(8) {
            builder = builder.until(self.clock.now() + ms(random.below(600)));
            goes_on = false;
        }
        let fails = random.one_in(6);
        if random.one_in(5) {
            let attempts = random.below(3) as usize;
            builder = builder.retry(move || std::iter::repeat_n(ms(20), attempts));
        }
        let turns = random.below(4);
        let kind = random.below(8);
        if random.one_in(6) && kind != 2 {
            builder = builder.group(["one", "two", "three"][random.below(3) as usize]);
        }
        if random.one_in(8) && kind != 2 {
            builder = builder.fixed_delay();
        }
        let job = match kind {
            0 => builder
                .on_overlap(Allow(1 + random.below(3) as usize))
                .run(target(guard, turns, fails)),
            1 => builder.on_overlap(Allow(2)).run_blocking(move || _ = &guard),
            2 => builder.on_overlap(Overlap::Replace).run(target(guard, 7, fails)),
            3 => builder.run_blocking(move || _ = &guard),
            4 => builder.run(target(guard, turns, fails)),
            _ => builder.run(move || _ = &guard),
        };
        self.jobs.push((job.unwrap(), goes_on));
    }

    fn step(&mut self) {
        let random = &mut self.random;
        match random.below(16) {
            0 => self.naive.set(Mode::Refuse),
            1..3 => self.naive.set(Mode::Drop),
            3 => self.naive.set(Mode::Inline),
            4..6 => self.naive.set(Mode::Queue),
            6 => self.naive.refuse_blocking(random.one_in(2)),
            7 => _ = self.scheduler.start(),
            8 if random.one_in(8) => self.scheduler.stop().detach(),
            9 => {
                let number = random.below(self.jobs.len() as u64) as usize;
                match random.below(6) {
                    0 => self.jobs.swap_remove(number).0.remove(),
                    1 => self.jobs[number].0.pause(),
                    2 => self.jobs[number].0.resume(),
                    3 => self.jobs[number].0.set_interval(INTERVAL).unwrap(),
                    _ => self.jobs[number].0.trigger(),
                }
            }
            10 => self.register(),
            _ => {}
        }
        self.clock.set(self.clock.now() + ms(self.random.below(30)));
        self.clock.fire();
        if self.random.one_in(3) {
            self.naive.step(self.random.below(40) as usize);
        } else {
            self.naive.run();
        }
    }

    fn recover(&mut self) {
        self.naive.set(Mode::Queue);
        self.naive.refuse_blocking(false);
        self.naive.run();
        let _ = self.scheduler.start();
        for (job, _) in &self.jobs {
            job.resume();
        }
        pass(&self.clock, &self.naive, 3 * SECOND, ms(10));
        let unlimited = self.jobs.iter().filter(|(_, goes_on)| *goes_on);
        let before: Vec<_> = unlimited.map(|(job, _)| (job, job.runs())).collect();
        pass(&self.clock, &self.naive, SECOND, ms(10));
        for (job, runs) in before {
            assert!(job.runs() > runs + 2, "{job:?}: {runs} runs before, {}", job.status());
        }
    }

    fn end(self) {
        let report = drive(self.scheduler.stop(), || self.naive.run());
        assert!(report.is_clean());
        self.naive.run();
        drop((self.scheduler, self.jobs));
        self.naive.run();
        assert_eq!(self.dropped.get(), self.registered, "a target is left");
    }
}

#[test]
fn all_jobs_run_once_the_executor_works_again() {
    for seed in 0..std::env::var("CHAOS").map_or(20, |seeds| seeds.parse().unwrap()) {
        println!("seed {seed}");
        let mut scene = Scene::new(seed);
        for (name, limit) in [("one", 1), ("two", 2), ("three", 30)] {
            scene.scheduler.group(name, limit).unwrap();
        }
        for _ in 0..[3, 40, 200, 400][scene.random.below(4) as usize] {
            scene.register();
        }
        scene.scheduler.start().unwrap();
        for _ in 0..100 {
            scene.step();
        }
        scene.recover();
        scene.end();
    }
}
