//! The status of a job and of a scheduler.

use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, Job, JobState, JobStatus, MissedTicks, Overlap, Run, Scheduler, SchedulerState};

use futures::{FutureExt, StreamExt};

use crate::support::{SECOND, World, blow_up, ms, poll_once};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Durations are kept in single precision.
fn assert_near(found: Duration, expected: Duration) {
    assert!(
        found.abs_diff(expected) <= expected / 1_000_000,
        "{found:?}, not {expected:?}"
    );
}

/// Numbers of runs by lateness: less than 10 ms, 100 ms, 1 s, and more.
fn histogram(status: &JobStatus) -> Vec<u32> {
    status.lateness().into_iter().map(|(_, runs)| runs).collect()
}

/// Number of timed runs.
fn measured(job: &Job) -> u32 {
    histogram(&job.status()).iter().sum()
}

mod of_a_job {
    use super::*;

    #[test]
    fn before_its_first_run() {
        let world = World::new();
        let start = world.time.now();
        let job = world.every(1_500).name("a").run(|| ()).unwrap();
        let status = job.status();
        assert_eq!((status.id(), status.name()), (job.id(), "a"));
        assert_eq!(
            (status.state(), status.interval()),
            (JobState::Waiting, Some(ms(1_500)))
        );
        assert_eq!((status.runs(), status.failures(), status.panics()), (0, 0, 0));
        assert_eq!((status.timeouts(), status.cancelled(), status.retries()), (0, 0, 0));
        assert_eq!((status.missed(), status.refused(), status.last_error()), (0, 0, None));
        assert_eq!((status.last_start(), status.next_due()), (None, Some(start)));
        assert_eq!((status.last_duration(), status.mean_duration()), (None, None));
        assert_eq!(
            (status.max_lateness(), histogram(&status)),
            (Duration::ZERO, vec![0; 4])
        );
    }

    #[test]
    fn while_a_run_is_in_progress_and_after_it() {
        let world = World::new();
        let start = world.time.now();
        let job = world.taking("a", 100, 30);
        world.start();
        world.advance(110);
        let status = job.status();
        assert_eq!((status.state(), status.runs()), (JobState::Running, 2));
        assert_eq!(status.last_start(), Some(start + ms(100)));
        assert_eq!(status.last_duration(), Some(ms(30))); // of the run before
        assert_eq!(status.next_due(), Some(start + ms(200)));
        world.advance(20);
        let status = job.status();
        assert_eq!((status.state(), status.runs()), (JobState::Waiting, 2));
        assert_eq!(status.last_start(), Some(start + ms(100)));
    }

    #[test]
    fn in_its_own_run() {
        let world = World::new();
        let log = world.log.clone();
        let target = move |run: Run| log.note(run.job().status().state().to_string());
        world.every(100).run(target).unwrap();
        world.start();
        assert_eq!(world.log.take_names(), ["running"]);
    }

    #[test]
    fn while_it_is_paused_and_after_it_was_removed() {
        let world = World::new();
        let start = world.time.now();
        let job = world.taking("a", 100, 30);
        world.start();
        job.pause();
        assert_eq!(job.status().state(), JobState::Running);
        world.advance(50);
        assert_eq!(job.status().state(), JobState::Paused);
        assert_eq!(job.status().next_due(), None);
        job.resume();
        assert_eq!(job.status().state(), JobState::Waiting);
        assert_eq!(job.status().next_due(), Some(start + ms(100)));
        world.advance(60);
        job.remove();
        assert_eq!(job.status().state(), JobState::Running);
        assert_eq!(job.status().next_due(), None);
        world.advance(50);
        let status = job.status();
        assert_eq!((status.state(), status.runs()), (JobState::Removed, 2));
        assert_eq!(status.last_start(), Some(start + ms(100)));
        job.pause();
        assert_eq!(job.status().state(), JobState::Removed);
    }

    #[test]
    fn the_next_due_instant_of_a_fixed_delay_is_known_at_the_end_of_the_run() {
        let world = World::new();
        let start = world.time.now();
        let clock = world.time.clone();
        let target = move || clock.sleep(ms(30));
        let job = world.every(100).fixed_delay().run(target).unwrap();
        world.start();
        assert_eq!(job.status().next_due(), None);
        world.advance(40);
        assert_eq!(job.status().next_due(), Some(start + ms(130)));
    }

    #[test]
    fn several_runs_at_once_are_one_state() {
        let world = World::new();
        let clock = world.time.clone();
        let target = move || clock.sleep(ms(150));
        let job = world.every(100).on_overlap(Allow(2)).run(target).unwrap();
        world.start();
        world.advance(120);
        assert_eq!((job.status().state(), job.status().runs()), (JobState::Running, 2));
        job.pause();
        world.advance(60); // The first has ended.
        assert_eq!(job.status().state(), JobState::Running);
        world.advance(100);
        let status = job.status();
        assert_eq!((status.state(), status.runs()), (JobState::Paused, 2));
        assert_eq!((status.last_duration(), measured(&job)), (Some(ms(150)), 2));
    }

    #[test]
    fn its_interval_follows_set_interval() {
        let world = World::new();
        let job = world.noting("a", 100);
        job.set_interval(SECOND).unwrap();
        assert_eq!(job.status().interval(), Some(SECOND));
    }

    #[test]
    fn after_its_scheduler() {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let job = scheduler.every(ms(100)).name("a").run(|| Err("no pulse")).unwrap();
        scheduler.start().unwrap();
        time.advance(ms(250));
        drop(scheduler);
        let status = job.status();
        assert_eq!(
            (status.state(), status.runs(), status.failures()),
            (JobState::Removed, 3, 3)
        );
        assert_eq!((status.last_error(), status.next_due()), (Some("no pulse"), None));
        assert_eq!(
            (status.last_duration(), histogram(&status)),
            (Some(Duration::ZERO), vec![3, 0, 0, 0])
        );
        assert!(status.to_string().contains("removed"), "{status}");
    }

    #[test]

    fn after_its_scheduler_there_are_no_instants() {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        let job = scheduler.every(ms(100)).run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.run_until_stalled();
        assert!(job.status().last_start().is_some());
        drop(scheduler);
        assert_eq!((job.status().last_start(), job.status().next_due()), (None, None));
    }

    #[test]
    fn a_status_is_that_of_the_moment_it_was_taken() {
        let world = World::new();
        let job = world.noting("a", 100);
        let status = job.status();
        world.start();
        assert_eq!((status.runs(), job.status().runs()), (0, 1));
    }
}

mod counts {
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
            ]
        };
        assert_eq!(numbers(&fails), [3, 3, 0, 0, 0, 0, 0, 0]);
        assert_eq!(numbers(&panics), [3, 0, 3, 0, 0, 0, 0, 0]);
        assert_eq!(numbers(&times_out), [2, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(numbers(&gives_way), [3, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(numbers(&tries), [3, 3, 0, 0, 0, 6, 0, 0]);
        let error = |job: &Job| job.status().last_error().map(str::to_owned);
        assert_eq!(error(&fails).unwrap(), "no pulse");
        assert_eq!(error(&panics).unwrap(), "panicked: a job panics");
        assert_eq!(error(&times_out).unwrap(), "timed out");
        assert_eq!(error(&gives_way), None);
        assert_eq!(error(&tries).unwrap(), "no luck");
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
}

mod measures {
    use super::*;

    #[test]
    fn lateness_by_bars_and_the_longest() {
        let world = World::new();
        let job = world.noting("a", 10_000);
        world.scheduler.start().unwrap();
        for lateness in [0, 9, 10, 99, 100, 999, 1_000, 7_000] {
            world.time.jump(ms(lateness));
            world.settle();
            world.advance(10_000 - lateness - 1);
            world.time.jump(ms(1));
        }
        let status = job.status();
        assert_eq!(histogram(&status), [2, 2, 2, 2]);
        assert_near(status.max_lateness(), ms(7_000));
        let bounds: Vec<_> = status.lateness().into_iter().map(|(bound, _)| bound).collect();
        assert_eq!(bounds, [Some(ms(10)), Some(ms(100)), Some(SECOND), None]);
    }

    #[test]
    fn the_wait_for_the_tick_is_lateness() {
        let world = World::new();
        let job = world.noting("a", 130);
        world.start();
        world.advance(270); // Due at 130 and 260, begun at 150 only.
        assert_near(job.status().max_lateness(), ms(20));
    }

    #[test]
    fn jitter_is_no_lateness() {
        let time = VirtualTime::new();
        let scheduler = Scheduler::builder(time.clone()).seed(7).build().unwrap();
        let job = scheduler.every(SECOND).jitter(ms(900)).run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.advance(20 * SECOND);
        assert!(
            job.runs() >= 20 && job.status().max_lateness() < ms(50),
            "{}",
            job.status()
        );
    }

    #[test]
    fn the_mean_duration_and_the_last() {
        let world = World::new();
        let target = world.log.taking("a", |run| [10, 20, 60][run as usize % 3]);
        let job = world.every(100).run(target).unwrap();
        world.start();
        world.advance(290);
        let status = job.status();
        assert_near(status.mean_duration().unwrap(), ms(30));
        assert_eq!(status.last_duration(), Some(ms(60)));
    }

    #[test]
    fn a_retried_run_takes_from_its_first_attempt_to_its_last() {
        let world = World::new();
        let job = world.every(1_000).retry(|| [ms(20), ms(60)]);
        let job = job.run(|| Err("no pulse")).unwrap();
        world.start();
        world.advance(100);
        assert_eq!(job.status().last_duration(), Some(ms(80)));
    }

    #[test]

    fn a_clock_that_leaps_by_centuries_is_no_trouble() {
        let world = World::new();
        let job = world.every(100).missed_ticks(MissedTicks::Skip).run(|| ()).unwrap();
        world.scheduler.start().unwrap();
        world.time.jump(300 * YEAR);
        world.settle();
        let (status, text) = (job.status(), world.scheduler.status().to_string());
        assert!(status.max_lateness() > 200 * YEAR, "{status}");
        assert!(text.contains("late"), "{text}");
    }

    /// With the feature `metrics`, all runs are timed.
    fn expect(sampled: std::ops::RangeInclusive<u32>, runs: u32) -> std::ops::RangeInclusive<u32> {
        if cfg!(feature = "metrics") {
            runs..=runs
        } else {
            sampled
        }
    }

    fn crowd(world: &World, count: usize) -> Vec<Job> {
        (0..count).map(|_| world.every(100).run(|| ()).unwrap()).collect()
    }

    #[test]
    fn of_few_jobs_every_run_is_measured() {
        let world = World::new();
        let jobs = crowd(&world, 127);
        world.start();
        world.advance(3_200);
        assert!(jobs.iter().all(|job| (job.runs(), measured(job)) == (33, 33)));
    }

    #[test]
    fn of_many_jobs_one_run_in_16_is_measured() {
        for count in [128, 1_000] {
            let world = World::new();
            let start = world.time.now();
            let time_of = |time| start + ms(time);
            let jobs = crowd(&world, count);
            world.start();
            assert!(jobs.iter().all(|job| measured(job) == 1));
            world.advance(3_500);
            for job in &jobs {
                // The first run, and then 2 or 3 of 35.
                assert_eq!(job.runs(), 36, "{count}");
                assert!(expect(3..=4, 36).contains(&measured(job)), "{count}");
                let since_last = time_of(3_500) - job.status().last_start().unwrap();
                assert!(since_last < ms(1_600), "{count}");
            }
            // Not all at the same tick.
            let with_four = jobs.iter().filter(|job| measured(job) == 4).count();
            assert!(cfg!(feature = "metrics") || (1..count).contains(&with_four), "{count}");
        }
    }

    #[test]
    fn among_many_jobs_those_that_look_are_measured_always_and_of_those_that_wait_the_beginning() {
        let world = World::new();
        let clock = world.time.clone();
        let waits = world.every(100).run(move || clock.sleep(ms(30))).unwrap();
        let looks = world.every(100).run(|_: Run| ()).unwrap();
        let blocks = world.every(100).run_blocking(|| ()).unwrap();
        let skips = world.every(100).missed_ticks(MissedTicks::Skip).run(|| ()).unwrap();
        let plain = crowd(&world, 1_000).remove(0);
        let start = world.time.now();
        world.start();
        world.advance(920);
        assert!(waits.is_running());
        assert_eq!(waits.status().last_start(), Some(start + ms(900)));
        world.advance(70);
        assert_eq!([&looks, &blocks, &skips].map(measured), [10; 3]);
        let sampled = [&waits, &plain].map(measured);
        assert!(
            sampled.iter().all(|count| expect(1..=2, 10).contains(count)),
            "{sampled:?}"
        );
        assert_eq!(waits.status().last_duration(), Some(ms(30)));
    }

    #[test]
    fn who_listens_since_a_run_began_that_waits_hears_how_long_it_took() {
        let world = World::new();
        let clock = world.time.clone();
        let job = world.every(100).run(move || clock.sleep(ms(30))).unwrap();
        let _crowd = crowd(&world, 1_000);
        world.start();
        // One of these runs is timed anyway.
        for at in [100, 200] {
            world.advance(at + 10 - world.elapsed_ms());
            let mut events = world.scheduler.events();
            world.advance(30);
            let of_job =
                std::iter::from_fn(|| events.next().now_or_never().flatten()).filter(|event| event.job() == &job);
            let durations: Vec<_> = of_job.map(|event| event.duration()).collect();
            assert_eq!(durations, [Some(ms(30))]);
        }
    }

    #[test]
    fn every_run_is_measured_for_those_who_listen_and_as_long_as_they_do() {
        let world = World::new();
        let jobs = crowd(&world, 1_000);
        let events = world.scheduler.events();
        world.start();
        world.advance(900);
        assert!(jobs.iter().all(|job| measured(job) == 10));
        drop(events);
        world.advance(100); // Who is gone is noticed when there is something to tell.
        world.advance(900);
        let last = &jobs[999];
        assert_eq!(last.runs(), 20);
        assert!(measured(last) <= *expect(0..=12, 20).end(), "{}", measured(last));
    }
}

mod of_a_scheduler {
    use super::*;

    #[test]
    fn what_it_is_doing() {
        let world = World::new();
        let state = || world.scheduler.status().state();
        assert_eq!(state(), SchedulerState::Stopped);
        world.endless("endless");
        world.start();
        assert_eq!(state(), SchedulerState::Running);
        let mut stop = Box::pin(world.scheduler.stop().grace(SECOND).into_future());
        assert!(poll_once(stop.as_mut()).is_pending());
        assert_eq!(state(), SchedulerState::Stopping);
        assert_eq!(world.scheduler.status().jobs()[0].state(), JobState::Running);
        let _ = world.time.block_on(stop);
        assert_eq!(state(), SchedulerState::Stopped);
        assert_eq!(world.scheduler.status().jobs()[0].state(), JobState::Waiting);
        world.start();
        assert_eq!(state(), SchedulerState::Running);
    }

    #[test]
    fn its_jobs_in_the_order_of_registration() {
        let world = World::new();
        let jobs = ["c", "a", "b"].map(|name| world.noting(name, 100));
        world.start();
        jobs[1].remove();
        let status = world.scheduler.status();
        let names: Vec<_> = status.jobs().iter().map(|job| (job.name(), job.runs())).collect();
        assert_eq!(names, [("c", 1), ("b", 1)]);
    }

    #[test]
    fn an_empty_one() {
        let scheduler = Scheduler::new(VirtualTime::new());
        let text = scheduler.status().to_string();
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.ends_with("\nstopped: 0 jobs, 0 of them running; 0 runs, 0 of them failed"),
            "{text}"
        );
    }
}

mod table {
    use super::*;

    #[test]
    fn as_a_person_reads_it() {
        let world = World::new();
        world.every(1_000).name("beat").run(|| Err("no pulse")).unwrap();
        world.taking("sweep", 60_000, 1_500);
        world
            .every(5_000)
            .name("upload")
            .run(std::future::pending::<()>)
            .unwrap();
        world.noting("later", 100).pause();
        world.start();
        world.advance(2_500);
        let expected = "\
job     state    every  runs  failed  panicked  timed out  missed   last run  took  mean  late   next  last error
beat    waiting  1s        3       3         0          0       0  500ms ago   0ns   0ns   0ns  500ms  no pulse
sweep   waiting  1m        1       0         0          0       0   2.5s ago  1.5s  1.5s   0ns  57.5s
upload  running  5s        1       0         0          0       0   2.5s ago     -     -     -   2.5s
later   paused   100ms     0       0         0          0       0          -     -     -     -      -
running: 4 jobs, 1 of them running; 5 runs, 3 of them failed";
        assert_eq!(world.scheduler.status().to_string(), expected);
    }

    #[test]
    fn of_one_job() {
        let world = World::new();
        let job = world.noting("a", 100);
        world.start();
        let text = job.status().to_string();
        assert_eq!(text.lines().count(), 2);
        assert!(
            !text.ends_with('\n') && text.lines().nth(1).unwrap().starts_with("a    waiting  100ms"),
            "{text}"
        );
    }

    #[test]
    fn columns_are_aligned_whatever_is_in_names_and_errors() {
        let world = World::new();
        let names = [
            "a",
            "",
            "a name that is much longer than all the others",
            "Zoë",
            "two\nlines",
            "tab\tand \u{1b}[31mred",
            "it's \"quoted\"",
        ];
        for (number, name) in names.into_iter().enumerate() {
            let job = world.every(100 * 7_u64.pow(u32::try_from(number).unwrap()));
            job.name(name).run(move || Err(name)).unwrap();
        }
        world.start();
        world.advance(123_456);
        let text = world.scheduler.status().to_string();
        let padded = |line: &str| format!("{line:<200}").chars().collect();
        let lines: Vec<Vec<char>> = text.lines().map(padded).collect();
        assert_eq!(lines.len(), names.len() + 2, "{text}");
        let titles: String = lines[0].iter().collect();
        for line in &lines[1..=names.len()] {
            assert!(!line.iter().any(|c| c.is_control()), "{text}");
            for title in ["state", "every", "last error"] {
                let begin = titles.find(title).unwrap();
                assert_eq!(line[begin - 2..begin], [' '; 2], "{title}\n{text}");
                let is_empty = line[begin..].iter().all(|c| *c == ' ');
                assert!(is_empty || line[begin] != ' ', "{title}\n{text}");
            }
            for title in [
                "runs",
                "failed",
                "panicked",
                "timed out",
                "missed",
                "last run",
                "took",
                "mean",
                "late",
                "next",
            ] {
                let end = titles.find(title).unwrap() + title.len();
                assert_eq!(line[end..end + 2], [' '; 2], "{title}\n{text}");
                assert!(line[end - 1] != ' ', "{title}\n{text}");
            }
        }
        for shown in ["\ntwo\\nlines ", "\ntab\\tand \\u{1b}[31mred ", "\nit's \"quoted\" "] {
            assert!(text.contains(shown), "{shown}\n{text}");
        }
    }

    #[test]
    fn states_can_be_padded() {
        assert_eq!(
            format!("{:>8}|{:<8}", JobState::Paused, SchedulerState::Stopped),
            "  paused|stopped "
        );
    }
}
