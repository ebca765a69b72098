//! Triggers by runs, hooks and destructors.

use super::*;

#[test]
fn from_inside_the_job() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        if run.number() == 0 {
            run.job().trigger();
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 50, 1_000, 2_000]);
}

#[test]
fn from_inside_a_job_that_waits() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        let sleep = clock.sleep(ms(130));
        async move {
            if run.number() == 0 {
                run.job().trigger();
            }
            yield_now().await;
            sleep.await;
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 150, 1_000, 2_000]);
}

#[test]
fn from_inside_a_blocking_job() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        if run.number() == 0 {
            run.job().trigger();
        }
    };
    world.every(1_000).run_blocking(target).unwrap();
    world.start();
    world.advance(2_000);
    assert_eq!(world.log.take_times(), [0, 50, 1_000, 2_000]);
}

#[test]
fn a_job_that_triggers_itself_each_time_runs_once_a_tick() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        log.note("a");
        if run.number() < 10 {
            run.job().trigger();
        }
    };
    world.every(200).run(target).unwrap();
    let other = world.every(200).run(|| ()).unwrap();
    world.start();
    world.advance(400);
    assert_eq!(world.log.take_times(), [0, 50, 100, 150, 200, 250, 300, 350, 400]);
    assert_eq!(other.runs(), 3);
    world.advance(1_000); // two triggered ones, and six regular ones of 200 to 1400
    assert_eq!(world.log.take_times().len(), 2 + 7);
}

/// Workers look at so many jobs one after another. Other runs of the tick trigger the job before its turn, so it comes up
/// twice.
#[test]
fn a_job_of_many_that_others_trigger_too_waits_for_the_next_tick_when_it_triggers_itself() {
    let world = World::new();
    let job = Arc::new(Mutex::new(None::<Job>));
    let triggering = |world: &World| {
        let (job, clock) = (Arc::clone(&job), world.time.clone());
        let target = move || {
            job.lock().unwrap().as_ref().unwrap().trigger();
            clock.sleep(ms(20))
        };
        world.every(10_000).run(target).unwrap();
    };
    (0..3).for_each(|_| triggering(&world));
    let (log, clock) = (world.log.clone(), world.time.clone());
    let target = move |run: Run| {
        log.note("a");
        if run.number() == 0 {
            run.job().trigger();
        }
        clock.sleep(ms(500))
    };
    let replacing = world.every(10_000).on_overlap(Overlap::Replace);
    *job.lock().unwrap() = Some(replacing.run(target).unwrap());
    (0..150).for_each(|_| triggering(&world));
    world.start();
    world.advance(400);
    // The last one is the run of the schedule.
    assert_eq!(world.log.take_times(), [0, 50, 100]);
}

#[test]
fn from_another_job() {
    let world = World::new();
    let slot = later::<Job>();
    let other = slot.clone();
    let target = move |run: Run| {
        if run.number() == 3 {
            take(&other).trigger();
        }
    };
    world.every(100).run(target).unwrap();
    put(&slot, noting(&world, 1_000));
    world.advance(1_000);
    assert_eq!(begun(&world), [(0, 0), (300, 300), (1_000, 1_000)]);
}

#[test]
fn from_a_job_of_the_same_tick() {
    for triggers_first in [false, true] {
        let world = World::new();
        let slot = later::<Job>();
        let other = slot.clone();
        let target = move |run: Run| {
            if run.number() == 1 {
                take(&other).trigger();
            }
        };
        if triggers_first {
            world.every(1_000).run(target).unwrap();
            put(&slot, noting(&world, 1_000));
        } else {
            put(&slot, world.every(1_000).run(noting_scheduled(&world)).unwrap());
            world.every(1_000).run(target).unwrap();
            world.start();
        }
        world.advance(2_000);
        let runs = begun(&world);
        let begins: Vec<u64> = runs.iter().map(|(at, _)| *at).collect();
        // If the regular run is on offer already, the triggered run begins in its place, and it comes a tick later.
        let second = if triggers_first { 1_050 } else { 1_000 };
        assert_eq!(begins, [0, 1_000, second, 2_000], "{triggers_first}");
        assert!(runs.contains(&(2_000, 2_000)), "{runs:?}");
    }
}

#[test]
fn from_a_hook() {
    let time = VirtualTime::new();
    let retries = Count::default();
    let count = retries.clone();
    let hook = move |event: &Event| {
        if matches!(event.kind(), EventKind::Failed(_)) && count.get() < 3 {
            count.up();
            event.job().trigger();
        }
    };
    let builder = Scheduler::builder(time.clone()).on_event(hook);
    let scheduler = builder.build().unwrap();
    let job = scheduler.every(ms(10_000)).run(|| Err("no")).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(9_000));
    assert_eq!(job.runs(), 4);
}

#[test]
fn from_another_job_between_ticks() {
    let world = World::new();
    let slot = later::<Job>();
    let (other, clock) = (slot.clone(), world.time.clone());
    let target = move |run: Run| {
        let (other, sleep) = (other.clone(), clock.sleep(ms(130)));
        async move {
            sleep.await;
            if run.number() == 1 {
                take(&other).trigger();
            }
            std::future::pending::<()>().await;
        }
    };
    world.every(100).on_overlap(Allow(10)).run(target).unwrap();
    put(&slot, noting(&world, 10_000));
    world.advance(500);
    assert_eq!(begun(&world), [(0, 0), (230, 230)]);
}

/// A run that goes on may trigger another job more than once between two ticks.
#[test]
fn from_a_long_run_again_and_again() {
    let world = World::new();
    let slot = later::<Job>();
    let (other, clock) = (slot.clone(), world.time.clone());
    let target = move || {
        let (other, clock) = (other.clone(), clock.clone());
        async move {
            for _ in 0..100 {
                other.lock().unwrap().as_ref().unwrap().trigger();
                clock.sleep(ms(20)).await;
            }
        }
    };
    let builder = world.every(10_000).first_run(FirstRun::AfterInterval);
    put(&slot, builder.run(noting_scheduled(&world)).unwrap());
    world.every(10_000).run(target).unwrap();
    world.start();
    world.advance(110);
    assert_eq!(begun(&world), [0, 20, 40, 60, 80, 100].map(|at| (at, at)));
}

#[test]
fn from_the_hook_of_another_job() {
    let time = VirtualTime::new();
    let slot = later::<Job>();
    let other = slot.clone();
    let hook = move |event: &Event| {
        if event.job().name() == "a" && matches!(event.kind(), EventKind::Finished) {
            other.lock().unwrap().as_ref().inspect(|other| other.trigger());
        }
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    let clock = time.clone();
    scheduler
        .every(ms(200))
        .name("a")
        .run(move || clock.sleep(ms(130)))
        .unwrap();
    let (origin, seen) = (scheduler.now(), Arc::new(Mutex::new(Vec::new())));
    let runs = Arc::clone(&seen);
    let target = move |run: Run| {
        runs.lock()
            .unwrap()
            .push((run.started() - origin, run.scheduled() - origin));
    };
    put(&slot, scheduler.every(ms(10_000)).run(target).unwrap());
    scheduler.start().unwrap();
    time.advance(ms(600));
    assert_eq!(*seen.lock().unwrap(), [0, 130, 330, 530].map(|at| (ms(at), ms(at))));
}

/// Each job triggers the next one in its run.
#[test]
fn from_one_job_to_the_next_all_run_at_once() {
    let world = World::new();
    let slots: Vec<_> = (0..20).map(|_| later::<Job>()).collect();
    for number in (0..20).rev() {
        let (log, next) = (world.log.clone(), slots.get(number + 1).cloned());
        let target = move || {
            log.note(number.to_string());
            next.as_ref()
                .inspect(|next| next.lock().unwrap().as_ref().unwrap().trigger());
        };
        let builder = world.every(10_000).first_run(FirstRun::AfterInterval);
        put(&slots[number], builder.run(target).unwrap());
    }
    world.start();
    world.advance(310);
    take(&slots[0]).trigger();
    world.advance(0);
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(world.log.take_names(), names);
}

#[test]
fn a_job_that_triggers_itself_in_a_triggered_run_runs_at_the_next_tick() {
    for at in [300, 310] {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| {
            log.note("a");
            if run.number() > 0 {
                run.job().trigger();
            }
        };
        let job = world.every(10_000).run(target).unwrap();
        world.start();
        world.advance(at);
        job.trigger();
        world.advance(450 - at);
        assert_eq!(world.log.take_times(), [0, at, 350, 400, 450]);
    }
}

/// Two jobs that trigger each other, in their runs or from a hook.
fn pair(scheduler: &Scheduler, log: &Log, in_runs: bool) -> [Job; 2] {
    let slots = [later::<Job>(), later::<Job>()];
    let jobs = [("a", 1), ("b", 0)].map(|(name, other)| {
        let (log, other) = (log.clone(), slots[other].clone());
        let target = move || {
            log.note(name);
            if in_runs {
                other.lock().unwrap().as_ref().unwrap().trigger();
            }
        };
        scheduler.every(ms(10_000)).name(name).run(target).unwrap()
    });
    put(&slots[0], jobs[0].clone());
    put(&slots[1], jobs[1].clone());
    jobs
}

#[test]
fn two_jobs_that_trigger_each_other_run_once_a_tick() {
    let world = World::new();
    let jobs = pair(&world.scheduler, &world.log, true);
    jobs[1].pause();
    let other = world.every(100).run(noting_scheduled(&world)).unwrap();
    world.start();
    world.advance(0);
    let expected = [(0, "a"), (0, "0"), (0, "b"), (0, "a")];
    assert_eq!(world.log.take(), expected.map(|(at, name)| (at, name.to_owned())));
    world.advance(1_000);
    let times = |wanted: &str, runs: &[(u64, String)]| -> Vec<u64> {
        runs.iter()
            .filter(|(_, name)| name == wanted)
            .map(|(at, _)| *at)
            .collect()
    };
    let (runs, ticks) = (world.log.take(), (1..=20).map(|tick| 50 * tick).collect::<Vec<u64>>());
    assert_eq!((times("a", &runs), times("b", &runs)), (ticks.clone(), ticks));
    assert_eq!(other.runs(), 11);
    world.stop();
    let runs = jobs.each_ref().map(Job::runs);
    world.advance(1_000);
    assert_eq!(jobs.each_ref().map(Job::runs), runs);
}

#[test]
fn two_jobs_that_a_hook_triggers_in_turn_run_once_a_tick() {
    let time = VirtualTime::new();
    let jobs = Arc::new(Mutex::new(Vec::<Job>::new()));
    let both = Arc::clone(&jobs);
    let hook = move |event: &Event| {
        let both = both.lock().unwrap().clone();
        both.iter().filter(|job| *job != event.job()).for_each(Job::trigger);
    };
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    let log = Log::new(&time);
    let pair = pair(&scheduler, &log, false);
    jobs.lock().unwrap().extend(pair.clone());
    let other = scheduler.every(ms(100)).run(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(ms(1_000));
    assert_eq!(other.runs(), 11);
    let runs = pair.each_ref().map(Job::runs);
    assert!(runs.iter().all(|runs| (20..=45).contains(runs)), "{runs:?}");
    assert!(time.block_on(scheduler.stop()).is_clean());
}

#[test]
fn from_the_destructor_of_a_thread_local() {
    struct Triggers(Job);
    impl Drop for Triggers {
        fn drop(&mut self) {
            self.0.trigger();
        }
    }
    thread_local!(static FIRST: OnceCell<Triggers> = const { OnceCell::new() });
    thread_local!(static LAST: OnceCell<Triggers> = const { OnceCell::new() });
    let world = World::new();
    let jobs = [(); 3].map(|()| world.every(10_000).run(|| ()).unwrap());
    world.start();
    let [first, job, last] = jobs.clone();
    let thread = thread::spawn(move || {
        FIRST.with(|cell| drop(cell.set(Triggers(first))));
        job.trigger();
        LAST.with(|cell| drop(cell.set(Triggers(last))));
    });
    thread.join().unwrap();
    world.advance(0);
    assert_eq!(jobs.map(|job| job.runs()), [2, 2, 2]);
}
