//! Permits come back when a run ends, is refused, or never begins.

use std::future::pending;

use atevery::{Allow, FirstRun, Job, JobBuilder, MissedTicks, Scheduler};

use super::{assert_permits, member, members, with_group, with_restart};
use crate::naive::{Clock, Mode, Naive, pass};
use crate::support::{Count, SECOND, blow_up, later, ms, put, take};
use crate::time_limit::at;

#[test]
fn permits_come_back_however_a_run_ends() {
    type Register = fn(JobBuilder) -> Job;
    let ways: [(&str, Register); 8] = [
        ("fails", |builder| builder.run(|| Err("no")).unwrap()),
        ("fails later", |builder| {
            let fails = async || {
                crate::support::yield_now().await;
                Err("no")
            };
            builder.run(fails).unwrap()
        }),
        ("panics", |builder| builder.run(blow_up).unwrap()),
        ("panics later", |builder| {
            let panics = async || {
                crate::support::yield_now().await;
                blow_up();
            };
            builder.run(panics).unwrap()
        }),
        ("panics in a pool", |builder| builder.run_blocking(blow_up).unwrap()),
        ("times out", |builder| {
            builder.timeout(ms(10)).run(pending::<()>).unwrap()
        }),
        ("gives up", |builder| {
            builder.retry(|| [ms(5)]).run(|| Err("no")).unwrap()
        }),
        ("gives up in a pool", |builder| {
            builder.retry(|| [ms(5)]).run_blocking(|| Err("no")).unwrap()
        }),
    ];
    for (way, register) in ways {
        let world = with_group(2);
        let jobs: Vec<Job> = (0..5).map(|_| register(members(&world, 100, 0))).collect();
        world.start();
        world.advance(940);
        assert!(jobs.iter().all(|job| job.runs() >= 5), "{way}");
        assert_permits(&with_restart(world), 2);
    }
}

#[test]
fn a_run_that_waits_for_its_next_attempt_keeps_its_permit() {
    for blocking in [false, true] {
        let world = with_group(1);
        let builder = members(&world, 10_000, 0).retry(|| [ms(230)]);
        if blocking {
            builder.run_blocking(|| Err("no"))
        } else {
            builder.run(|| Err("no"))
        }
        .unwrap();
        member(&world, "b", 0, 10);
        world.start();
        world.advance(500);
        assert_eq!(world.log.take(), at(&[(230, "b")]), "blocking: {blocking}");
    }
}

#[test]
fn a_refused_run_gives_its_permit_back() {
    for blocking in [false, true] {
        for lost in [false, true] {
            let world = with_group(2);
            let jobs: Vec<Job> = (0..5)
                .map(|_| {
                    let builder = members(&world, 100, 0);
                    if blocking {
                        builder.run_blocking(|| ())
                    } else {
                        builder.run(|| ())
                    }
                    .unwrap()
                })
                .collect();
            world.scheduler.start().unwrap();
            let fault = |count| {
                if lost {
                    world.time.drop_spawns(count);
                } else {
                    world.time.refuse_spawns(count);
                }
            };
            fault(1_000_000);
            world.advance(500);
            assert!(jobs.iter().all(|job| job.runs() == 0 && !job.is_running()));
            fault(0);
            world.advance(1_000);
            assert!(jobs.iter().all(|job| job.runs() > 5));
            assert_permits(&with_restart(world), 2);
        }
    }
}

#[test]
fn a_few_refusals_lose_no_permit_and_no_run() {
    let world = with_group(3);
    let jobs: Vec<Job> = (0..50)
        .map(|index| {
            let builder = members(&world, 100, 0).missed_ticks(MissedTicks::Burst);
            if index % 2 == 0 {
                builder.run_blocking(|| ())
            } else {
                builder.run(async || ())
            }
            .unwrap()
        })
        .collect();
    world.scheduler.start().unwrap();
    for count in [1, 3, 17, 50, 99] {
        world.time.refuse_spawns(count);
        world.advance(130);
    }
    world.time.refuse_spawns(0);
    world.advance(850); // at 1,500
    assert!(jobs.iter().all(|job| job.runs() == 16));
    assert_permits(&with_restart(world), 3);
}

#[test]
fn a_job_that_is_removed_while_it_is_on_offer_gives_its_permit_back() {
    for allow in [false, true] {
        let world = with_group(2);
        let slot = later::<Job>();
        let victim = slot.clone();
        members(&world, 10_000, 0).run(move || take(&victim).remove()).unwrap();
        let dropped = Count::default();
        let guard = dropped.on_drop();
        let target = move || {
            let _guard = &guard;
            pending::<()>()
        };
        let builder = members(&world, 10_000, 0);
        let job = if allow {
            builder.on_overlap(Allow(3)).run(target)
        } else {
            builder.run(target)
        }
        .unwrap();
        put(&slot, job.clone());
        world.start();
        assert_eq!((job.runs(), dropped.get()), (0, 1));
        assert_permits(&with_restart(world), 2);
    }
}

#[test]
fn a_thousand_that_wait_for_an_executor_that_refuses_everything_for_a_while() {
    for (limit, blocking, lost) in [
        (1, false, false),
        (1, true, false),
        (1, false, true),
        (1, true, true),
        (10, true, false),
        (2_000, false, false),
    ] {
        let world = with_group(limit);
        for _ in 0..1_000 {
            let builder = members(&world, 1_000, 0);
            if blocking {
                builder.run_blocking(|| ())
            } else {
                builder.run(async || ())
            }
            .unwrap();
        }
        world.scheduler.start().unwrap();
        let fault = |count| {
            if lost {
                world.time.drop_spawns(count);
            } else {
                world.time.refuse_spawns(count);
            }
        };
        fault(usize::MAX);
        world.advance(500);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() == 0));
        fault(0);
        world.advance(450);
        assert!(world.scheduler.jobs().iter().all(|job| job.runs() == 1));
        world.scheduler.group("g", limit.min(20)).unwrap();
        assert_permits(&with_restart(world), limit.min(20));
    }
}

#[test]
fn on_an_executor_that_polls_inside_spawn() {
    for mode in [Mode::Inline, Mode::Queue] {
        let (naive, clock) = (Naive::new(), Clock::new());
        naive.set(mode);
        let scheduler = Scheduler::new((naive.clone(), clock.clone()));
        scheduler.group("g", 1).unwrap();
        let jobs: Vec<Job> = (0..1_000)
            .map(|index| {
                let builder = scheduler.every(SECOND).group("g");
                if index % 2 == 0 {
                    builder.run_blocking(|| ())
                } else {
                    builder.run(async || ())
                }
                .unwrap()
            })
            .collect();
        scheduler.start().unwrap();
        pass(&clock, &naive, ms(1_050), ms(50));
        assert!(jobs.iter().all(|job| job.runs() == 2), "{mode:?}");
    }
}

#[test]
fn an_inline_executor_that_refuses_a_thousand_that_wait() {
    let (naive, clock) = (Naive::new(), Clock::new());
    naive.set(Mode::Inline);
    let scheduler = Scheduler::new((naive.clone(), clock.clone()));
    scheduler.group("g", 1).unwrap();
    let jobs: Vec<Job> = (0..1_000)
        .map(|_| {
            let builder = scheduler.every(SECOND * 10).group("g");
            builder.first_run(FirstRun::After(ms(50))).run(async || ()).unwrap()
        })
        .collect();
    scheduler.start().unwrap();
    naive.set(Mode::Refuse);
    pass(&clock, &naive, ms(500), ms(50));
    assert!(jobs.iter().all(|job| job.runs() == 0));
    naive.set(Mode::Inline);
    pass(&clock, &naive, ms(500), ms(50));
    assert!(jobs.iter().all(|job| job.runs() == 1));
}

#[test]
fn refused_runs_of_a_group_are_tried_once_a_tick() {
    let world = with_group(1);
    let jobs: Vec<Job> = (0..100)
        .map(|_| members(&world, 10_000, 0).run(|| ()).unwrap())
        .collect();
    world.scheduler.start().unwrap();
    world.time.refuse_spawns(usize::MAX);
    world.advance(1_000);
    let refused: Vec<u64> = jobs.iter().map(|job| job.status().refused()).collect();
    assert!(refused.iter().all(|count| *count <= 21), "{refused:?}");
}
