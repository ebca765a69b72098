//! Events, as hooks and readers of streams see them.

mod held_thread;
mod hooks;
mod kinds_of_events;
mod odd_errors;
mod order;
mod streams;
mod text;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Event, EventKind, Events, Scheduler, SchedulerBuilder};
use futures::{FutureExt, StreamExt};

use crate::support::{CountsDrop, Log, World, later, put, take};

/// A hook that keeps the events that it sees.
#[derive(Clone)]
struct Seen {
    origin: Instant,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Seen {
    fn from(origin: Instant) -> Seen {
        Seen {
            origin,
            events: Arc::default(),
        }
    }

    fn hook(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = Arc::clone(&self.events);
        move |event| events.lock().unwrap().push(event.clone())
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    fn take_lines(&self) -> Vec<String> {
        self.take().iter().map(|event| line(event, self.origin)).collect()
    }
}

/// A world with a hook.
fn watched() -> (World, Seen) {
    let (time, seen) = time_and_seen();
    let world = world(&time, |builder| builder.on_event(seen.hook()));
    (world, seen)
}

fn time_and_seen() -> (VirtualTime, Seen) {
    let time = VirtualTime::new();
    let seen = Seen::from(time.now());
    (time, seen)
}

fn world(time: &VirtualTime, hooks: impl FnOnce(SchedulerBuilder) -> SchedulerBuilder) -> World {
    World {
        scheduler: hooks(Scheduler::builder(time.clone())).build().unwrap(),
        log: Log::new(time),
        time: time.clone(),
    }
}

/// All contents of an event, in milliseconds from `origin`.
fn line(event: &Event, origin: Instant) -> String {
    let mut line = format!("{}", (event.instant() - origin).as_millis());
    line += &format!(" {}", event.job().name());
    if let Some(run) = event.run() {
        line += &format!(" {run}");
    }
    line += &format!(" {}", event.kind().as_str());
    match event.kind() {
        EventKind::Failed(error) => line += &format!(" ({error})"),
        EventKind::Panicked(message) | EventKind::Retried(message) => line += &format!(" ({message})"),
        EventKind::Missed(count) => line += &format!(" {count}"),
        EventKind::Late(by) => line += &format!(" by {}", by.as_millis()),
        EventKind::HeldThread(held) => line += &format!(" for {}", held.as_millis()),
        _ => {}
    }
    if let Some(scheduled) = event.scheduled() {
        line += &format!(", scheduled {}", (scheduled - origin).as_millis());
    }
    if let Some(duration) = event.duration() {
        line += &format!(", took {}", duration.as_millis());
    }
    line
}

/// The events that a stream has ready.
fn read(events: &mut Events) -> Vec<Event> {
    std::iter::from_fn(|| events.next().now_or_never().flatten()).collect()
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().as_str()).collect()
}

/// An error that notes when it is dropped.
struct Watched(#[allow(dead_code, reason = "it is dropped")] CountsDrop);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl Error for Watched {}

#[test]
fn an_event_outlives_its_scheduler() {
    let slot = later();
    {
        let (world, seen) = watched();
        world.noting("a", 100);
        world.start();
        put(&slot, seen.take().remove(0));
    }
    let event: Event = take(&slot);
    assert_eq!((event.job().name(), event.run()), ("a", Some(0)));
    event.job().remove();
}
