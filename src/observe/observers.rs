//! The observers of a scheduler: hooks and event streams.

use std::sync::{Arc, Weak};

use crate::job::span::RunSpan;
use crate::observe::event::Event;
use crate::observe::stream::{Channel, Events};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::unwind::{Guarded, lock, quietly};

pub(crate) type Hook = Box<dyn Fn(&Event) + Send + Sync>;

pub(crate) struct Observers {
    hooks: Vec<Guarded<Hook>>,
    streams: Mutex<Vec<Weak<Channel>>>,
    /// Whether any observer exists. Without observers, an event costs only the load of this flag.
    some: AtomicBool,
}

impl Observers {
    pub(crate) fn new(hooks: Vec<Hook>) -> Observers {
        let some = AtomicBool::new(!hooks.is_empty() || cfg!(feature = "metrics"));
        Observers {
            hooks: hooks.into_iter().map(Guarded::new).collect(),
            streams: Mutex::default(),
            some,
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.some.load(Ordering::Relaxed) || crate::observe::trace::is_on()
    }

    pub(crate) fn subscribe(&self, capacity: usize) -> Events {
        let (events, channel) = Events::new(capacity);
        lock(&self.streams).push(channel);
        self.some.store(true, Ordering::Relaxed);
        events
    }

    /// Reports the event to all observers. If the event belongs to a run, `span` is the span of the run. No lock is held while a hook runs. The panic of a hook is discarded.
    pub(crate) fn emit(&self, event: &Event, span: Option<&RunSpan>) {
        crate::observe::trace::emit(event, span);
        #[cfg(feature = "metrics")]
        quietly(|| crate::observe::metrics::count(event));
        for hook in &self.hooks {
            quietly(|| hook(event));
        }
        for channel in self.streams() {
            quietly(|| channel.send(event.clone()));
        }
    }

    /// Counts a refusal that is not reported to hooks and streams.
    pub(crate) fn count_refusal(&self, job: &str) {
        #[cfg(feature = "metrics")]
        quietly(|| crate::observe::metrics::count_refusal(job.to_owned()));
        #[cfg(not(feature = "metrics"))]
        let _ = job;
    }

    /// Counts a run that held its thread, whether or not hooks and streams are told.
    pub(crate) fn count_held_thread(&self, job: &str) {
        #[cfg(feature = "metrics")]
        quietly(|| crate::observe::metrics::count_held_thread(job.to_owned()));
        #[cfg(not(feature = "metrics"))]
        let _ = job;
    }

    fn streams(&self) -> Vec<Arc<Channel>> {
        let mut streams = lock(&self.streams);
        if streams.is_empty() {
            return Vec::new();
        }
        let live: Vec<_> = streams.iter().filter_map(Weak::upgrade).collect();
        if live.len() < streams.len() {
            streams.retain(|channel| channel.strong_count() > 0);
        }
        let none = streams.is_empty() && self.hooks.is_empty() && !cfg!(feature = "metrics");
        self.some.store(!none, Ordering::Relaxed);
        live
    }
}

impl Drop for Observers {
    /// Ends the streams, after the last run of the scheduler.
    fn drop(&mut self) {
        for channel in self.streams() {
            channel.close();
        }
    }
}
