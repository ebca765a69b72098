//! The order of events.

use std::collections::HashMap;

use atevery::{Allow, Event, EventKind, MissedTicks, Overlap, Run};

use super::{kinds, watched};
use crate::support::{blow_up, ms};

/// A world with all kinds of jobs, for ten seconds, with a stop, a jump of the clock and refusals in between.
fn turmoil() -> Vec<Event> {
    let (world, seen) = watched();
    world.taking("takes its time", 100, 230);
    world.noting("short", 50);
    world.endless("endless");
    world.every(150).name("fails").run(|| Err("no pulse")).unwrap();
    world.every(200).name("panics").run_blocking(blow_up).unwrap();
    let endless = std::future::pending::<()>;
    world
        .every(250)
        .name("timed out")
        .timeout(ms(110))
        .run(endless)
        .unwrap();
    let replace = world.every(300).on_overlap(Overlap::Replace);
    replace.name("gives way").run(endless).unwrap();
    let retry = world.every(350).retry(|| [ms(20), ms(130)]);
    retry.name("tries").run(async || Err("no pulse")).unwrap();
    let skip = world.every(100).missed_ticks(MissedTicks::Skip);
    skip.name("skips").run(|| ()).unwrap();
    world.every(100).name("ends").times(7).run(|| ()).unwrap();
    let clock = world.time.clone();
    let holds = move |run: Run| clock.block_for(ms(if run.number() % 7 == 0 { 11 } else { 0 }));
    world.every(450).name("holds").run(holds).unwrap();
    let log = world.log.clone();
    world
        .every(100)
        .name("overlaps")
        .on_overlap(Allow(3))
        .run(move || {
            log.note("overlaps");
            futures::future::ready(())
        })
        .unwrap();
    world.start();
    world.advance(3_000);
    world.time.jump(ms(700));
    world.advance(1_000);
    let _ = world.wait(world.scheduler.stop().grace(ms(60)));
    world.start();
    world.time.refuse_spawns(100);
    world.advance(1_000);
    world.time.refuse_spawns(0);
    world.advance(3_000);
    let _ = world.stop();
    seen.take()
}

#[test]
fn every_beginning_has_one_end_and_the_events_of_a_run_are_in_order() {
    let events = turmoil();
    let mut jobs: HashMap<String, Vec<Event>> = HashMap::new();
    for event in &events {
        let name = event.job().name().to_owned();
        jobs.entry(name).or_default().push(event.clone());
    }
    assert_eq!(jobs.len(), 12);
    for (name, events) in jobs {
        check_job(&name, &events);
    }
    let kinds = kinds(&events);
    for kind in [
        "started",
        "finished",
        "failed",
        "panicked",
        "timed out",
        "cancelled",
        "retried",
        "missed",
        "late",
        "held thread",
        "removed",
        "refused",
    ] {
        assert!(kinds.contains(&kind), "{kind} did not happen");
    }
}

/// Run by run: missed? late? started (retried or held thread)* end. Refusals and a removal come in between.
fn check_job(name: &str, events: &[Event]) {
    let (mut runs, mut current) = (0, None);
    for event in events {
        let context = format!("{name}: {event:?}");
        assert_eq!(event.duration().is_some(), event.kind().is_end(), "{context}");
        assert_eq!(event.run().is_some(), event.scheduled().is_some(), "{context}");
        match event.kind() {
            EventKind::Refused | EventKind::Removed => assert_eq!(event.run(), None, "{context}"),
            EventKind::Missed(_) | EventKind::Late(_) => {
                assert_eq!((current, event.run()), (None, Some(runs)), "{context}");
            }
            EventKind::Started => {
                assert_eq!((current, event.run()), (None, Some(runs)), "{context}");
                current = event.run();
                runs += 1;
            }
            EventKind::Retried(_) | EventKind::HeldThread(_) => assert_eq!(event.run(), current, "{context}"),
            _ => {
                assert!(event.kind().is_end(), "{context}");
                assert!(event.run().is_some() && event.run() == current, "{context}");
                current = None;
            }
        }
    }
    assert_eq!(current, None, "{name}: a run has not ended");
    assert!(events.is_sorted_by_key(Event::instant), "{name}");
    assert_eq!(runs, events[0].job().runs(), "{name}");
}

#[test]
fn runs_that_overlap_are_told_apart() {
    let (world, seen) = watched();
    let clock = world.time.clone();
    let target = move || clock.sleep(ms(130));
    world.every(100).name("a").on_overlap(Allow(2)).run(target).unwrap();
    world.start();
    world.advance(240);
    let expected = [
        "0 a 0 started, scheduled 0",
        "100 a 1 started, scheduled 100",
        "130 a 0 finished, scheduled 0, took 130",
        "200 a 2 started, scheduled 200",
        "230 a 1 finished, scheduled 100, took 130",
    ];
    assert_eq!(seen.take_lines(), expected);
}

#[test]
fn a_run_that_was_triggered_is_due_when_it_begins() {
    let (world, seen) = watched();
    let job = world.noting("a", 1_000);
    world.start();
    seen.take();
    world.advance(70);
    job.trigger();
    world.advance(50);
    assert_eq!(
        seen.take_lines(),
        ["70 a 1 started, scheduled 70", "70 a 1 finished, scheduled 70, took 0"]
    );
}
