//! Jobs that are removed.

use atevery::{Job, Run, Scheduler};

use crate::support::{Count, World, later, ms, names, put, take, yield_now};

#[test]
fn no_later_run_begins() {
    let world = World::new();
    let (job, other) = (world.noting("a", 100), world.noting("b", 100));
    world.start();
    world.advance(100);
    job.remove();
    world.advance(1_000);
    assert_eq!((job.runs(), other.runs()), (2, 12));
    assert_eq!(world.scheduler.jobs(), [other]);
}

#[test]
fn a_run_in_progress_goes_on() {
    let world = World::new();
    let (ended, clock) = (Count::default(), world.time.clone());
    let count = ended.clone();
    let target = move || {
        let (sleep, count) = (clock.sleep(ms(330)), count.clone());
        async move {
            sleep.await;
            count.up();
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    job.remove();
    assert!(job.is_running());
    world.advance(1_000);
    assert_eq!((job.runs(), ended.get(), job.is_running()), (1, 1, false));
}

#[test]
fn a_run_in_progress_is_still_cancelled_by_a_stop() {
    let world = World::new();
    let job = world.endless("endless");
    world.start();
    job.remove();
    assert_eq!(world.stop().cancelled(), std::slice::from_ref(&job));
    world.scheduler.start().unwrap();
    world.advance(5_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn removing_twice_and_before_any_start() {
    let world = World::new();
    let job = world.noting("a", 100);
    job.remove();
    job.clone().remove();
    world.start();
    world.advance(1_000);
    assert_eq!(job.runs(), 0);
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn a_job_removes_itself() {
    let world = World::new();
    let plain = world.every(100).run(|run: Run| run.job().remove()).unwrap();
    let future = world
        .every(100)
        .run(async |run: Run| {
            yield_now().await;
            run.job().remove();
            yield_now().await;
        })
        .unwrap();
    let blocking = world.every(100).run_blocking(|run: Run| run.job().remove()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!((plain.runs(), future.runs(), blocking.runs()), (1, 1, 1));
    assert_eq!(world.scheduler.jobs(), []);
}

#[test]
fn a_job_removes_itself_and_panics() {
    let world = World::new();
    let job = world
        .every(100)
        .run(|run: Run| -> () {
            run.job().remove();
            panic!("a job panics");
        })
        .unwrap();
    world.start();
    world.advance(300);
    assert_eq!((job.runs(), job.is_running()), (1, false));
}

#[test]
fn a_job_removes_one_that_was_dispatched() {
    let world = World::new();
    let slot = later::<Job>();
    let victim = slot.clone();
    let mut once = true;
    world
        .every(100)
        .run(move || {
            if std::mem::take(&mut once) {
                take(&victim).remove();
            }
        })
        .unwrap();
    let second = world.noting("second", 100);
    put(&slot, second.clone());
    world.start();
    world.advance(300);
    assert_eq!((second.runs(), second.is_running()), (0, false));
}

#[test]
fn what_the_target_captured_is_dropped() {
    let world = World::new();
    let dropped = Count::default();
    let guard = dropped.on_drop();
    let job = world
        .every(100)
        .run(move || {
            let _guard = &guard;
        })
        .unwrap();
    world.start();
    job.remove();
    world.settle();
    assert_eq!(dropped.get(), 1);
}

#[test]
fn what_a_busy_target_captured_is_dropped_when_its_run_ends() {
    for asynchronous in [false, true] {
        let world = World::new();
        let dropped = Count::default();
        let (guard, slot) = (dropped.on_drop(), later::<Job>());
        let own = slot.clone();
        let clock = world.time.clone();
        let target = move |run: Run| {
            let _guard = &guard;
            if !asynchronous {
                take(&own).remove();
            }
            clock.sleep(ms(if asynchronous { 100 * run.number() + 100 } else { 0 }))
        };
        let job = world.every(100).run(target).unwrap();
        put(&slot, job.clone());
        world.start();
        job.remove();
        assert_eq!(dropped.get(), usize::from(!asynchronous));
        world.advance(100);
        assert_eq!((dropped.get(), job.runs()), (1, 1));
    }
}

#[test]
fn a_removed_straggler_does_not_come_back() {
    let world = World::new();
    let job = world.taking("slow", 100, 330);
    world.start();
    world.scheduler.stop().detach();
    job.remove();
    world.scheduler.start().unwrap();
    world.advance(1_000);
    assert_eq!(job.runs(), 1);
}

#[test]
fn many_removals_keep_the_order_and_the_schedules_of_the_rest() {
    let world = World::new();
    let jobs: Vec<Job> = (0..1_000)
        .map(|nth| {
            let log = world.log.clone();
            let job = world.every(100 + 50 * (nth % 4));
            job.name(nth.to_string())
                .run(move || log.note(nth.to_string()))
                .unwrap()
        })
        .collect();
    world.start();
    world.advance(20);
    for (nth, job) in jobs.iter().enumerate() {
        if nth % 10 != 3 {
            job.remove();
        }
    }
    world.log.take();
    world.advance(580);
    let left: Vec<&Job> = jobs.iter().skip(3).step_by(10).collect();
    assert!(world.scheduler.jobs().iter().eq(left.iter().copied()));
    for job in left {
        let expected = 1 + 600 / u64::try_from(job.interval().unwrap().as_millis()).unwrap();
        assert_eq!(job.runs(), expected, "{job:?}");
    }
    let log = world.log.take();
    assert!(
        log.chunk_by(|a, b| a.0 == b.0)
            .all(|tick| { tick.is_sorted_by_key(|(_, nth)| nth.parse::<u64>().unwrap()) })
    );
}

#[test]
fn removals_and_registrations_amid_a_tick_of_many() {
    let world = World::new();
    let jobs = later::<Vec<Job>>();
    let (victims, inner) = (jobs.clone(), world.scheduler.clone());
    let mut once = true;
    let first = move || {
        if std::mem::take(&mut once) {
            take(&victims).iter().for_each(Job::remove);
            for _ in 0..100 {
                inner.every(ms(100)).name("late").run(|| ()).unwrap();
            }
        }
    };
    world.every(100).name("first").run(first).unwrap();
    put(
        &jobs,
        (0..10_000).map(|_| world.every(100).run(|| ()).unwrap()).collect(),
    );
    let last = world.every(100).name("last").run(|| ()).unwrap();
    world.start();
    assert_eq!(last.runs(), 1);
    world.advance(120); // the late ones are due at 0 and come at 50, then at 100
    let jobs = world.scheduler.jobs();
    assert_eq!(names(&jobs)[..3], ["first", "last", "late"]);
    assert_eq!(jobs.len(), 102);
    assert!(jobs.iter().all(|job| job.runs() == 2));
    world.time.shut_down();
}

#[test]
fn ids_are_not_used_again() {
    let world = World::new();
    let first = world.noting("a", 100);
    first.remove();
    let second = world.noting("a", 100);
    assert_ne!(first, second);
    assert!(first.id() < second.id());
}

#[test]
fn removing_a_job_of_a_scheduler_that_is_gone() {
    let time = atevery::testing::VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let job = scheduler.every(ms(100)).run(|| ()).unwrap();
    drop(scheduler);
    job.remove();
    assert_eq!(job.runs(), 0);
}
