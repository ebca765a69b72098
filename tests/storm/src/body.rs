//! What the runs of a job do.

use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use atevery::Run;
use atevery::runtime::Timer;

use crate::actions::{Place, act};
use crate::plan::{Deed, Kind, MS, Plan, Wait};
use crate::random::{Random, mix};
use crate::record::{JobNumber, Record};
use crate::scene::Scene;
use crate::stops;

/// The output of a run.
pub(crate) type Output = Result<(), &'static str>;

/// The target of a job.
#[derive(Debug)]
pub(crate) struct Target {
    scene: Arc<Scene>,
    job: JobNumber,
    plan: Plan,
    calls: AtomicU64,
    _counted: Counted,
}

impl Target {
    pub(crate) fn new(scene: &Arc<Scene>, job: JobNumber, plan: Plan) -> Target {
        Target {
            scene: Arc::clone(scene),
            job,
            plan,
            calls: AtomicU64::new(0),
            _counted: Counted::new(&scene.targets),
        }
    }

    /// A call of a synchronous target.
    pub(crate) fn call(&self, run: Option<Run>) -> Output {
        let (mut body, mut random) = self.enter(run);
        match self.plan.kind {
            Kind::Sync(deed) | Kind::Blocking(deed) | Kind::Async(_, deed) => body.perform(deed, &mut random),
            Kind::DropsTheHandle => {
                self.scene.drop_handle();
                Ok(())
            }
        }
    }

    /// A call of an asynchronous target.
    pub(crate) fn call_async(&self, run: Option<Run>) -> impl Future<Output = Output> + Send + use<> {
        let (mut body, mut random) = self.enter(run);
        let kind = self.plan.kind;
        async move {
            if let Kind::Async(wait, deed) = kind {
                body.wait(wait, &mut random).await;
                return body.perform(deed, &mut random);
            }
            Ok(())
        }
    }

    fn enter(&self, run: Option<Run>) -> (Body, Random) {
        let call = self.calls.fetch_add(1, SeqCst);
        let mut random = Random::new(self.plan.seed ^ mix(call));
        let number = run.as_ref().map(Run::number);
        self.scene.log.note(Record::Entered {
            job: self.job,
            run: number,
        });
        let body = Body {
            scene: Arc::clone(&self.scene),
            job: self.job,
            number,
            run,
            linger: random.up_to(self.plan.linger),
            stops_in_the_end: random.maybe(100, |random| random.clone()),
        };
        (body, random)
    }
}

/// One attempt of a run, from the call of its target until its future is dropped.
#[derive(Debug)]
struct Body {
    scene: Arc<Scene>,
    job: JobNumber,
    number: Option<u64>,
    run: Option<Run>,
    linger: Duration,
    stops_in_the_end: Option<Random>,
}

impl Body {
    fn perform(&mut self, deed: Deed, random: &mut Random) -> Output {
        match deed {
            Deed::Returns => Ok(()),
            Deed::Fails => Err("a run of the storm fails"),
            Deed::Panics => give_up(),
            Deed::Varies => {
                let deed = random.pick(&[Deed::Returns, Deed::Returns, Deed::Fails, Deed::Panics]);
                self.perform(deed, random)
            }
            Deed::Blocks => {
                thread::sleep(random.up_to(3 * MS));
                Ok(())
            }
            Deed::BlocksUntilCancelled => {
                self.block_until_cancelled();
                Ok(())
            }
            Deed::Acts => {
                if !self.scene.is_calm() {
                    act(&self.scene, random, Place::Run);
                }
                Ok(())
            }
        }
    }

    fn block_until_cancelled(&self) {
        let begin = Instant::now();
        let is_cancelled = || self.run.as_ref().is_none_or(Run::is_cancelled);
        while !is_cancelled() && begin.elapsed() < 10 * MS {
            thread::sleep(MS / 5);
        }
    }

    async fn wait(&mut self, wait: Wait, random: &mut Random) {
        match wait {
            Wait::Nothing => {}
            Wait::Yields => {
                for _ in 0..random.within(1, 4) {
                    yield_now().await;
                }
            }
            Wait::Sleeps => self.sleep(random.up_to(8 * MS)).await,
            Wait::NeverEnds => pending().await,
            Wait::UntilCancelled => match &self.run {
                Some(run) => run.cancelled().await,
                None => pending().await,
            },
            Wait::AwaitsStop => {
                self.sleep(random.up_to(4 * MS)).await;
                if random.one_in(8) && !self.scene.is_calm() {
                    stops::awaited_in_a_run(&self.scene, random).await;
                }
            }
        }
    }

    async fn sleep(&self, duration: Duration) {
        let runtime = &self.scene.runtime;
        let sleep = runtime.sleep_until(runtime.now() + duration);
        sleep.await;
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        thread::sleep(self.linger);
        if let Some(random) = self.stops_in_the_end.as_mut().filter(|_| !self.scene.is_calm()) {
            stops::in_a_destructor(&self.scene, random);
        }
        self.scene.log.note(Record::Left {
            job: self.job,
            run: self.number,
        });
    }
}

/// Unwinds without the message that a panic prints.
fn give_up() -> ! {
    std::panic::resume_unwind(Box::new("a run of the storm panics"))
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts as long as it is there.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, SeqCst);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
