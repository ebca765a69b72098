//! Plays a scenario on virtual time, through the public API with default settings, and records the trace.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atevery::runtime::Spawner;
use atevery::testing::VirtualTime;
use atevery::{Run, Scheduler};

use crate::record::{Act, Action, Caller, Event, Job, Kind, Scenario, What};

/// The trace of `scenario`, up to its end.
pub(crate) fn play(scenario: &Scenario) -> Vec<Event> {
    let player = Player::new();
    // Registrations and actions are the first tasks, so their timers are the first of their instants: "actions come
    // before anything else at their instant". If a job blocks the thread, they come after the job, as in Python.
    for job in &scenario.jobs {
        player.at(job.register_at_ms, player.clone().register(job.clone()));
    }
    for (index, action) in scenario.actions.iter().enumerate() {
        player.at(action.at_ms, player.clone().act(index, action.clone()));
    }
    player.time.advance(Duration::from_millis(scenario.end_ms));

    let mut trace = player.trace();
    trace.retain(|event| event.t_ms < scenario.end_ms);
    player.time.shut_down();
    trace
}

#[derive(Clone)]
struct Player {
    time: VirtualTime,
    scheduler: Scheduler,
    trace: Arc<Mutex<Vec<Event>>>,
}

impl Player {
    fn new() -> Player {
        let time = VirtualTime::new();
        let scheduler = Scheduler::new(time.clone());
        Player {
            time,
            scheduler,
            trace: Arc::default(),
        }
    }

    fn at(&self, at_ms: u64, then: impl Future<Output = ()> + Send + 'static) {
        let sleep = self.time.sleep(Duration::from_millis(at_ms));
        let task = Box::pin(async move {
            sleep.await;
            then.await;
        });
        self.time.spawn(task).expect("virtual time takes tasks");
    }

    async fn register(self, job: Job) {
        let builder = self
            .scheduler
            .every(Duration::from_millis(job.interval_ms))
            .name(&job.id);
        let (player, kind, job) = (self.clone(), job.kind, Arc::new(job));
        let registered = match kind {
            Kind::Sync => builder.run(move |run: Run| player.run_sync(&job, run.number())),
            Kind::Async => builder.run(move |run: Run| player.clone().run_async(Arc::clone(&job), run.number())),
        };
        registered.expect("the job is registered");
    }

    async fn act(self, index: usize, action: Action) {
        match action.act {
            Act::Start => self.scheduler.start().expect("the scheduler starts"),
            Act::Stop => {
                self.stop(Caller::Action(index), action.wait_for, action.timeout_ms)
                    .await;
            }
            Act::Jump => self
                .time
                .jump(Duration::from_millis(action.ms.expect("a jump says how far it goes"))),
        }
    }

    async fn stop(&self, caller: Caller, wait_for: bool, timeout_ms: Option<u64>) {
        let stop = self.scheduler.stop();
        match (wait_for, timeout_ms) {
            (false, _) => stop.detach(),
            (true, None) => drop(stop.await),
            (true, Some(limit)) => drop(stop.timeout(Duration::from_millis(limit)).await),
        }
        self.note(Event::stop_returned(self.now_ms(), caller));
    }

    fn run_sync(&self, job: &Job, number: u64) -> Result<(), &'static str> {
        let running = Running::begin(self, job, number);
        for on_run in job.on_run(number) {
            assert!(
                on_run.act == Act::Stop && !on_run.wait_for,
                "synchronous code can only stop without waiting"
            );
            self.scheduler.stop().detach();
            self.note(Event::stop_returned(self.now_ms(), running.caller()));
        }
        self.time.block_for(Duration::from_millis(job.duration_ms(number)));
        running.end(job.fails(number))
    }

    async fn run_async(self, job: Arc<Job>, number: u64) -> Result<(), &'static str> {
        let running = Running::begin(&self, &job, number);
        for on_run in job.on_run(number) {
            assert_eq!(on_run.act, Act::Stop, "of what a run may do, only stop is known here");
            self.stop(running.caller(), on_run.wait_for, on_run.timeout_ms).await;
        }
        // A duration of 0 is ready at the first poll, like a deadline that has passed.
        self.time.sleep(Duration::from_millis(job.duration_ms(number))).await;
        running.end(job.fails(number))
    }

    fn note(&self, event: Event) {
        self.trace
            .lock()
            .expect("no event is written while another panics")
            .push(event);
    }

    fn trace(&self) -> Vec<Event> {
        self.trace
            .lock()
            .expect("no event is written while another panics")
            .clone()
    }

    fn now_ms(&self) -> u64 {
        let elapsed = self.time.elapsed();
        assert_eq!(
            elapsed.subsec_nanos() % 1_000_000,
            0,
            "{elapsed:?} is off the whole milliseconds of all scenarios"
        );
        u64::try_from(elapsed.as_millis()).expect("a scenario is short")
    }
}

/// A run in progress. If it is dropped before its end, it was cancelled.
struct Running {
    player: Player,
    job: String,
    number: u64,
    ended: bool,
}

impl Running {
    fn begin(player: &Player, job: &Job, number: u64) -> Running {
        let running = Running {
            player: player.clone(),
            job: job.id.clone(),
            number,
            ended: false,
        };
        running.note(What::Start);
        running
    }

    fn end(mut self, fails: bool) -> Result<(), &'static str> {
        self.ended = true;
        self.note(if fails { What::Error } else { What::End });
        if fails { Err("the scenario says so") } else { Ok(()) }
    }

    fn caller(&self) -> Caller {
        Caller::Run(format!("{}#{}", self.job, self.number))
    }

    fn note(&self, what: What) {
        self.player
            .note(Event::of_run(self.player.now_ms(), what, &self.job, self.number));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.note(What::Cancelled);
        }
    }
}
