//! One run of a job at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use atevery::MissedTicks;
use atevery::testing::VirtualTime;

use crate::support::{Count, World, later, ms, put, take};

#[test]
fn a_slow_job_waits_for_its_run_to_end() {
    let world = World::new();
    world.taking("slow", 100, 230);
    world.start();
    world.advance(800);
    assert_eq!(world.log.take_times(), [0, 250, 500, 750]);
}

#[test]
fn a_run_that_ends_between_ticks_is_followed_at_the_next_tick() {
    let world = World::new();
    world.taking("slow", 1_000, 1_330);
    world.start();
    world.advance(3_000);
    assert_eq!(world.log.take_times(), [0, 1_350, 2_700]);
}

#[test]
fn a_run_that_ends_on_a_tick_may_be_followed_there_or_at_the_next() {
    let world = World::new();
    world.taking("slow", 100, 200);
    world.start();
    world.advance(260);
    let times = world.log.take_times();
    assert!([[0, 200], [0, 250]].iter().any(|right| times == right), "{times:?}");
}

#[test]
fn a_run_that_is_over_in_time_leaves_no_trace() {
    let world = World::new();
    world.taking("quick", 100, 99);
    world.start();
    world.advance(500);
    assert_eq!(world.log.take_times(), [0, 100, 200, 300, 400, 500]);
}

#[test]
fn a_job_that_blocks_the_thread_is_made_up_for() {
    let world = World::new();
    let (log, clock) = (world.log.clone(), world.time.clone());
    let mut first = true;
    world
        .every(100)
        .run(move || {
            log.note("run");
            if std::mem::take(&mut first) {
                clock.block_for(ms(230));
            }
        })
        .unwrap();
    world.start();
    world.advance(400); // from 230 on
    let times = world.log.take_times();
    assert_eq!(times[0], 0);
    assert!(times[1] == 230 || times[1] == 250, "{times:?}"); // late wake-up, or the first tick after the end
    assert_eq!(times.last(), Some(&600));
    assert_eq!(times.len(), 7);
}

#[test]
fn no_job_waits_for_another_one() {
    let world = World::new();
    world.endless("endless");
    world.taking("slow", 100, 730);
    let quick = world.every(100).run(|| ()).unwrap();
    world.start();
    world.advance(1_000);
    assert_eq!(quick.runs(), 11);
}

#[test]
fn one_run_at_a_time_even_if_all_is_late() {
    for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
        let world = World::new();
        let (clock, runs) = (world.time.clone(), Count::default());
        let busy = Arc::new(AtomicBool::new(false));
        let count = runs.clone();
        let target = move || {
            let (clock, busy) = (clock.clone(), Arc::clone(&busy));
            count.up();
            let long = count.get() % 3 == 0;
            async move {
                assert!(!busy.swap(true, Ordering::SeqCst));
                clock.sleep(ms(if long { 270 } else { 20 })).await;
                busy.store(false, Ordering::SeqCst);
            }
        };
        let job = world.every(100).missed_ticks(policy).run(target).unwrap();
        world.start();
        for _ in 0..50 {
            world.advance(90);
            world.time.jump(ms(170));
            world.settle();
        }
        assert_eq!(job.runs(), u64::try_from(runs.get()).unwrap());
        assert!(runs.get() > 20, "{policy:?}: {}", runs.get());
        world.time.shut_down();
    }
}

#[test]
fn is_running_tells_of_a_run_in_progress() {
    let world = World::new();
    let job = world.taking("slow", 1_000, 230);
    assert!(!job.is_running());
    world.start();
    assert!(job.is_running());
    world.advance(229);
    assert!(job.is_running());
    world.advance(1);
    assert!(!job.is_running());
}

#[test]
fn is_running_is_true_inside_the_run() {
    let world = World::new();
    let (slot, seen) = (later(), later());
    let (own, tell) = (slot.clone(), seen.clone());
    let job = world
        .every(100)
        .run(move || {
            let job: atevery::Job = take(&own);
            put(&tell, (job.is_running(), job.runs()));
        })
        .unwrap();
    put(&slot, job.clone());
    world.start();
    assert_eq!(take(&seen), (true, 1));
    assert!(!job.is_running());
}

#[test]
fn a_job_that_blocks_its_thread_holds_up_nobody_elses() {
    let threads = crate::threads::Threads::new(4);
    let time = VirtualTime::new(); // for the clock alone
    let scheduler = atevery::Scheduler::new((threads.clone(), atevery::runtime::FuturesTimer));
    drop(time);
    let (release, released) = mpsc::channel::<()>();
    let stuck = scheduler
        .every(ms(50))
        .run(move || released.recv().unwrap_or_default())
        .unwrap();
    let (sender, beats) = mpsc::channel();
    scheduler.every(ms(50)).run(move || sender.send(())).unwrap();
    scheduler.start().unwrap();
    for _ in 0..5 {
        beats
            .recv_timeout(std::time::Duration::from_secs(20))
            .expect("the other job goes on");
    }
    assert!(stuck.is_running());
    drop(release);
    threads.stop(&scheduler);
}

#[test]
fn many_jobs_that_block_their_threads_run_side_by_side() {
    const JOBS: usize = 100;
    let threads = crate::threads::Threads::unbounded();
    let scheduler = atevery::Scheduler::new((threads.clone(), atevery::runtime::FuturesTimer));
    let barrier = Arc::new(Barrier::new(8));
    let (sender, met) = mpsc::channel();
    for _ in 0..8 {
        let (barrier, sender) = (Arc::clone(&barrier), sender.clone());
        scheduler
            .every(std::time::Duration::MAX)
            .run(move || {
                barrier.wait();
                sender.send(())
            })
            .unwrap();
    }
    let beats = Count::default();
    for _ in 8..JOBS {
        let beats = beats.clone();
        scheduler.every(ms(50)).run(move || beats.up()).unwrap();
    }
    scheduler.start().unwrap();
    for _ in 0..8 {
        met.recv_timeout(std::time::Duration::from_secs(20))
            .expect("each has a thread");
    }
    threads.stop(&scheduler);
}
