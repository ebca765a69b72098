//! Writes the events of the scheduler down: from the hook, and from a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use atevery::{Event, EventKind, Events};
use futures::StreamExt;
use futures::executor::block_on;

use crate::checker::{Checker, Source};
use crate::log::Log;
use crate::random::{Random, mix};
use crate::record::{End, Record};
use crate::scene::{Scene, number_of};
use crate::stops;

/// The hook of a round. Now and then, it triggers the job of the event, or stops the scheduler.
pub(crate) fn hook(scene: Arc<Scene>, seed: u64) -> impl Fn(&Event) + Send + Sync {
    let calls = AtomicU64::new(0);
    move |event| {
        if let Some(record) = to_record(event) {
            if is_early(event) {
                scene.log.remark(format!("{event:?}"));
            }
            scene.log.note(record);
        }
        let mut random = Random::new(seed ^ mix(calls.fetch_add(1, Relaxed)));
        if random.one_in(64) && !scene.is_calm() {
            act(&scene, &mut random, event);
        }
    }
}

fn act(scene: &Arc<Scene>, random: &mut Random, event: &Event) {
    match random.below(32) {
        0 => stops::in_a_destructor(scene, random),
        _ => event.job().trigger(),
    }
}

fn to_record(event: &Event) -> Option<Record> {
    let job = number_of(event.job());
    let run = event.run().unwrap_or_default();
    let ended = |how| Some(Record::Ended { job, run, how });
    match event.kind() {
        EventKind::Started => Some(Record::Started {
            job,
            run,
            is_early: is_early(event),
        }),
        EventKind::Finished => ended(End::Finished),
        EventKind::Failed(_) => ended(End::Failed),
        EventKind::Panicked(_) => ended(End::Panicked),
        EventKind::TimedOut => ended(End::TimedOut),
        EventKind::Cancelled => ended(End::Cancelled),
        EventKind::Retried(_) => Some(Record::Retried { job, run }),
        EventKind::Missed(count) => Some(Record::Missed { job, count: *count }),
        EventKind::Removed => Some(Record::Removed {
            job,
            in_progress: event.job().is_running(),
        }),
        _ => None,
    }
}

/// The reader comes too late to ask whether a run was in progress when the job was removed.
fn without_snapshot(record: Record) -> Record {
    match record {
        Record::Removed { job, .. } => Record::Removed { job, in_progress: true },
        other => other,
    }
}

/// Whether a run began before its due instant, or whether this is before its scheduled instant.
fn is_early(event: &Event) -> bool {
    matches!(event.kind(), EventKind::Started)
        && (event.scheduled() > event.due() || Some(event.instant()) < event.due())
}

/// Reads the stream to its end, and checks that it tells of the same runs in an order that is allowed.
pub(crate) fn read(scene: &Arc<Scene>, events: Events) -> JoinHandle<()> {
    let log = Arc::clone(&scene.log);
    thread::spawn(move || block_on(follow(&log, events)))
}

async fn follow(log: &Log, mut events: Events) {
    let mut checker = Checker::new(Source::Events);
    let in_session = [Record::StartCalled, Record::StartReturned { ok: true }];
    in_session.iter().for_each(|record| drop(checker.note(record)));
    while let Some(event) = events.next().await {
        if events.lost() > 0 {
            return;
        }
        let Some(record) = to_record(&event).map(without_snapshot) else {
            continue;
        };
        let job = number_of(event.job());
        if let Some(limits) = log
            .with_checker(|checker| checker.limits(job))
            .filter(|_| !checker.knows(job))
        {
            drop(checker.note(&Record::Registering { job, limits }));
        }
        if let Err(violation) = checker.note(&record) {
            log.fail(&format!("the stream of events: {violation}"));
        }
    }
}
