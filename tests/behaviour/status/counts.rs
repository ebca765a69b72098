//! What a status counts.

use super::*;

#[test]
fn each_of_its_kind() {
    let world = World::new();
    let endless = std::future::pending::<()>;
    let fails = world.every(100).run(|| Err("no pulse")).unwrap();
    let panics = world.every(100).run_blocking(blow_up).unwrap();
    let times_out = world.every(200).timeout(ms(70)).run(endless).unwrap();
    let gives_way = world.every(100).on_overlap(Overlap::Replace).run(endless).unwrap();
    let tries = world.every(100).retry(|| [ms(10), ms(10)]);
    let tries = tries.run(|| Err("no luck")).unwrap();
    let clock = world.time.clone();
    let holds = world.every(10_000).first_run(FirstRun::After(ms(250)));
    let holds = holds.run(move || clock.block_for(ms(20))).unwrap();
    world.start();
    world.advance(290);
    let numbers = |job: &Job| {
        let status = job.status();
        [
            status.runs(),
            status.failures(),
            status.panics(),
            status.timeouts(),
            status.cancelled(),
            status.retries(),
            status.missed(),
            status.refused(),
            status.held_thread(),
        ]
    };
    assert_eq!(numbers(&fails), [3, 3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(numbers(&panics), [3, 0, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(numbers(&times_out), [2, 0, 0, 2, 0, 0, 0, 0, 0]);
    assert_eq!(numbers(&gives_way), [3, 0, 0, 0, 2, 0, 0, 0, 0]);
    assert_eq!(numbers(&tries), [3, 3, 0, 0, 0, 6, 0, 0, 0]);
    assert_eq!(numbers(&holds), [1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let error = |job: &Job| job.status().last_error().map(str::to_owned);
    assert_eq!(error(&fails).unwrap(), "no pulse");
    assert_eq!(error(&panics).unwrap(), "panicked: a job panics");
    assert_eq!(error(&times_out).unwrap(), "timed out");
    assert_eq!(error(&gives_way), None);
    assert_eq!(error(&tries).unwrap(), "no luck");
    assert_eq!(error(&holds), None);
}

#[test]
fn missed_intervals() {
    for (policy, missed) in [(MissedTicks::Burst, 0), (MissedTicks::Skip, 3), (MissedTicks::Delay, 3)] {
        let world = World::new();
        let job = world.every(100).missed_ticks(policy).run(|| ()).unwrap();
        world.start();
        world.time.jump(ms(430));
        world.settle();
        assert_eq!(job.status().missed(), missed, "{policy:?}");
    }
}

#[test]
fn refusals() {
    for blocking in [false, true] {
        let world = World::new();
        let builder = world.every(100);
        let job = if blocking {
            builder.run_blocking(|| ()).unwrap()
        } else {
            builder.run(|| ()).unwrap()
        };
        world.scheduler.start().unwrap();
        world.time.refuse_spawns(1_000);
        world.advance(120);
        let status = job.status();
        assert_eq!((status.refused(), status.runs()), (3, 0), "blocking: {blocking}");
        assert_eq!((status.state(), measured(&job)), (JobState::Waiting, 0));
    }
}

#[test]
fn a_stop_is_no_failure_and_leaves_the_last_error() {
    let world = World::new();
    let mut runs = 0;
    let target = move || {
        runs += 1;
        let fails = runs == 1;
        async move {
            if fails {
                return Err("no pulse");
            }
            std::future::pending().await
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    world.advance(130);
    let _ = world.stop();
    let status = job.status();
    assert_eq!((status.cancelled(), status.failures()), (1, 1));
    assert_eq!(
        (status.last_error(), status.last_duration()),
        (Some("no pulse"), Some(ms(30)))
    );
}

#[test]
fn the_last_error_stays_until_the_next_one() {
    let world = World::new();
    let mut runs = 0;
    let target = move || {
        runs += 1;
        match runs {
            1 => Err("first"),
            3 => Err("third"),
            _ => Ok(()),
        }
    };
    let job = world.every(100).run(target).unwrap();
    world.start();
    let error = || job.status().last_error().map(str::to_owned);
    assert_eq!(error().unwrap(), "first");
    world.advance(100);
    assert_eq!(error().unwrap(), "first");
    world.advance(100);
    assert_eq!(error().unwrap(), "third");
    assert_eq!(job.status().failures(), 2);
}

/// There is no observer, and no run is timed, because the second runs of so many jobs are not.
#[test]
fn the_first_failure_leaves_a_trace_whoever_listens() {
    let world = World::new();
    let jobs: Vec<_> = (0..1_000)
        .map(|number| {
            let mut runs = 0;
            let target = move || {
                runs += 1;
                match (number, runs) {
                    (500, 2) => Err("no pulse"),
                    (501, 2) => panic!("a job panics"),
                    _ => Ok(()),
                }
            };
            world.every(100).run(target).unwrap()
        })
        .collect();
    world.start();
    world.advance(100);
    let (failed, panicked) = (jobs[500].status(), jobs[501].status());
    assert_eq!((failed.failures(), failed.last_error()), (1, Some("no pulse")));
    assert_eq!(
        (panicked.panics(), panicked.last_error()),
        (1, Some("panicked: a job panics"))
    );
    assert_eq!(
        (jobs[499].status().failures(), jobs[502].status().last_error()),
        (0, None)
    );
}
