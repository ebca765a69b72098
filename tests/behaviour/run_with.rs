//! Jobs with a state that is kept between runs.

use std::future::{pending, ready};
use std::pin::Pin;

use atevery::{Error, Job, JobState, Overlap, Run};

use crate::support::{Count, Log, World, blow_up, ms, yield_now};

/// A list of what its runs did, which is noted when it is dropped.
struct Steps {
    done: Vec<String>,
    log: Log,
}

impl Steps {
    fn new(world: &World) -> Steps {
        Steps {
            done: Vec::new(),
            log: world.log.clone(),
        }
    }

    fn note(&mut self, what: &str) {
        self.done.push(what.to_owned());
        self.log.note(self.done.join(" "));
    }

    /// Notes "a", then waits for a second, then notes "b".
    async fn slow(&mut self) {
        self.note("a");
        let time = self.log.time().clone();
        time.sleep(ms(1_000)).await;
        self.note("b");
    }

    async fn with_run(&mut self, run: Run) -> Result<(), String> {
        self.note(&run.number().to_string());
        yield_now().await;
        Err("failed".to_owned())
    }

    fn synchronous(&mut self, run: Run) {
        self.note(&run.number().to_string());
    }

    async fn panics_half_way(&mut self) {
        self.note("a");
        yield_now().await;
        self.done.push("half".to_owned());
        blow_up();
    }

    fn panics(&mut self) {
        self.note("a");
        blow_up();
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

fn notes(world: &World) -> Vec<String> {
    world.log.take_names()
}

#[test]
fn every_shape_runs_and_keeps_its_state() {
    fn plain(state: &mut u64, _: Run) {
        *state += 1;
    }
    async fn asynchronous(state: &mut u64, _: Run) -> Result<(), std::io::Error> {
        *state += 1;
        ready(()).await;
        Ok(())
    }
    fn boxed(state: &mut u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move { *state += 1 })
    }
    let world = World::new();
    let every = || world.every(100);
    let count = Count::default();
    let counted = count.clone();
    let jobs: Vec<Result<Job, Error>> = vec![
        every().run_with(0, plain),
        every().run_with(0, asynchronous),
        every().run_with(0, boxed),
        every().run_with(0, plain as fn(&mut u64, Run)),
        every().run_with(vec![7], Vec::<u8>::clear),
        every().run_with(0, |state: &mut u64| *state += 1),
        every().run_with(0, |state: &mut u64, run: Run| {
            assert_eq!((*state, *state += 1).0, run.number());
        }),
        every().run_with(0, async |state: &mut u64, run: Run| {
            assert_eq!(*state, run.number());
            yield_now().await;
            *state += 1;
        }),
        every().run_with(0, async |state: &mut u64| *state += 1),
        // A synchronous closure may capture what it likes.
        every().run_with((), move |(): &mut ()| counted.up()),
    ];
    let jobs: Vec<Job> = jobs.into_iter().map(Result::unwrap).collect();
    world.start();
    world.advance(900);
    for (index, job) in jobs.iter().enumerate() {
        let status = job.status();
        assert_eq!(
            (status.runs(), status.panics(), status.failures()),
            (10, 0, 0),
            "{index}"
        );
    }
    assert_eq!(count.get(), 10);
}

#[test]
fn the_name_is_that_of_the_target() {
    let world = World::new();
    let job = world.every(100).run_with(Steps::new(&world), Steps::slow).unwrap();
    assert!(job.name().ends_with("Steps::slow"), "{}", job.name());
    let job = world
        .every(100)
        .run_with(Steps::new(&world), Steps::synchronous)
        .unwrap();
    assert!(job.name().ends_with("Steps::synchronous"), "{}", job.name());
}

#[test]
fn a_run_finds_the_state_as_the_run_before_left_it() {
    let world = World::new();
    world.every(100).run_with(Steps::new(&world), Steps::with_run).unwrap();
    world
        .every(1_000)
        .run_with(Steps::new(&world), Steps::synchronous)
        .unwrap();
    world.start();
    world.advance(200);
    assert_eq!(notes(&world), ["0", "0", "0 1", "0 1 2"]);
}

#[test]
fn a_panic_leaves_the_state_as_the_panic_left_it() {
    let world = World::new();
    let job = world
        .every(100)
        .run_with(Steps::new(&world), Steps::panics_half_way)
        .unwrap();
    world.start();
    world.advance(200);
    assert_eq!(notes(&world), ["a", "a half a", "a half a half a"]);
    assert_eq!(job.status().panics(), 3);
    job.remove();
    assert_eq!(notes(&world), ["a half a half a half dropped"]);
    let job = world.every(100).run_with(Steps::new(&world), Steps::panics).unwrap();
    world.advance(150);
    assert_eq!(notes(&world), ["a", "a a"]);
    assert_eq!(job.status().panics(), 2);
}

#[test]
fn the_state_survives_a_timeout() {
    let world = World::new();
    let builder = world.every(200).timeout(ms(100));
    let job = builder.run_with(Steps::new(&world), Steps::slow).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(notes(&world), ["a", "a a", "a a a"]);
    assert_eq!(job.status().timeouts(), 2);
}

#[test]
fn the_state_survives_a_stop_and_a_start() {
    let world = World::new();
    let job = world.every(10_000).run_with(Steps::new(&world), Steps::slow).unwrap();
    world.start();
    world.advance(500);
    assert_eq!(world.stop().cancelled(), [job]);
    assert_eq!(notes(&world), ["a"]);
    world.advance(10_000);
    world.start();
    world.advance(1_500);
    assert_eq!(notes(&world), ["a a", "a a b"]);
}

#[test]
fn the_state_goes_from_a_replaced_run_to_the_run_that_replaces_it() {
    let world = World::new();
    let builder = world.every(200).on_overlap(Overlap::Replace);
    let job = builder.run_with(Steps::new(&world), Steps::slow).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(notes(&world), ["a", "a a", "a a a"]);
    assert_eq!(job.status().cancelled(), 2);
}

#[test]
fn each_attempt_of_a_run_gets_the_same_state() {
    let world = World::new();
    let builder = world.every(1_000).retry(|| [ms(10), ms(20)]);
    let job = builder.run_with(Steps::new(&world), Steps::panics_half_way).unwrap();
    world.start();
    world.advance(100);
    assert_eq!(notes(&world), ["a", "a half a", "a half a half a"]);
    assert_eq!((job.runs(), job.status().retries()), (1, 2));
    let builder = world.every(1_000).retry(|| [ms(10), ms(20)]);
    let job = builder.run_with(Steps::new(&world), Steps::panics).unwrap();
    world.advance(100);
    assert_eq!(notes(&world), ["a", "a a", "a a a"]);
    assert_eq!((job.runs(), job.status().retries()), (1, 2));
}

#[test]
fn the_state_is_dropped_when_the_last_run_of_a_removed_job_has_ended() {
    let world = World::new();
    let job = world.every(10_000).run_with(Steps::new(&world), Steps::slow).unwrap();
    world.start();
    job.remove();
    world.advance(500);
    assert_eq!(notes(&world), ["a"]);
    world.advance(500);
    assert_eq!(notes(&world), ["a b", "a b dropped"]);
    assert_eq!(job.status().state(), JobState::Removed);
}

#[test]
fn the_state_is_dropped_with_the_scheduler() {
    let world = World::new();
    world.every(10_000).run_with(Steps::new(&world), Steps::slow).unwrap();
    world.start();
    let World { time, scheduler, log } = &world;
    let (time, log) = (time.clone(), log.clone());
    let weak = scheduler.downgrade();
    drop(world);
    assert!(weak.upgrade().is_none());
    time.run_until_stalled();
    assert_eq!(log.take_names(), ["a", "a dropped"]);
}

#[test]
fn the_memory_of_a_future_is_used_again_and_the_state_is_not_in_it() {
    let world = World::new();
    let count = Count::default();
    let state = (count.on_drop(), [0_u8; 1 << 16]);
    let job = world
        .every(100)
        .run_with(state, async |state: &mut (_, [u8; 1 << 16])| {
            state.1[0] += 1;
            yield_now().await;
            assert!(state.1[0] < 4);
        })
        .unwrap();
    world.start();
    world.advance(250);
    assert_eq!((job.runs(), job.status().panics(), count.get()), (3, 0, 0));
    world.advance(100);
    assert_eq!(job.status().panics(), 1);
    job.remove();
    assert_eq!(count.get(), 1);
}

#[test]
fn a_future_that_never_ends_keeps_its_state_until_it_is_dropped() {
    let world = World::new();
    let count = Count::default();
    world
        .every(100)
        .run_with(count.on_drop(), |_: &mut _| pending::<()>())
        .unwrap();
    world.start();
    world.advance(1_000);
    let (scheduler, time) = (world.scheduler.clone(), world.time.clone());
    time.block_on(scheduler.stop());
    assert_eq!(count.get(), 0);
    scheduler.jobs()[0].remove();
    assert_eq!(count.get(), 1);
}
