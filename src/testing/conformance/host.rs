//! A runtime under test: its abilities, its driver, its shutdown.

use std::fmt;
use std::sync::Arc;
use std::thread;

use futures::channel::oneshot;

use crate::runtime::{BoxFuture, Runtime};

/// A runtime under test, and its properties.
///
/// If a runtime makes progress by itself, on several threads, and has a blocking pool, the runtime converts into a
/// `Host`. For other runtimes:
///
/// ```
/// use atevery::runtime::Tokio;
/// use atevery::testing::conformance::Host;
///
/// fn current_thread() -> Host {
///     let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
///     let runtime = Tokio::from(tokio.handle().clone());
///     let drive = move |shut_down| {
///         tokio.block_on(shut_down);
///         tokio.shutdown_background();
///     };
///     Host::driven(runtime, drive).single_threaded()
/// }
///
/// fn multi_thread() -> Host {
///     let tokio = tokio::runtime::Runtime::new().unwrap();
///     Host::new(Tokio::from(tokio.handle().clone())).on_shut_down(move || tokio.shutdown_background())
/// }
/// # (current_thread(), multi_thread());
/// ```
pub struct Host {
    runtime: Arc<dyn Runtime>,
    single_threaded: bool,
    blocking_pool: bool,
    shut_down: Option<Box<dyn FnOnce() + Send>>,
}

impl Host {
    /// Creates a host for a runtime that makes progress by itself, on several threads, with a blocking pool.
    pub fn new(runtime: impl Runtime) -> Host {
        Host {
            runtime: Arc::new(runtime),
            single_threaded: false,
            blocking_pool: true,
            shut_down: None,
        }
    }

    /// Creates a host for a runtime that makes progress only while `drive` runs.
    ///
    /// The suite calls `drive` on a separate thread, with a future. `drive` must return when the future is ready, even
    /// if tasks are still running. The values that `drive` owns are dropped then, so the runtime is shut down.
    pub fn driven(runtime: impl Runtime, drive: impl FnOnce(BoxFuture<'static, ()>) + Send + 'static) -> Host {
        let (shut_down, is_shut_down) = oneshot::channel::<()>();
        let driver = thread::spawn(move || drive(Box::pin(async { is_shut_down.await.unwrap_or_default() })));
        Host::new(runtime).on_shut_down(move || {
            drop(shut_down);
            let end = driver.join();
            assert!(
                end.is_ok() || thread::panicking(),
                "the thread that drove the runtime panicked"
            );
        })
    }

    /// States that all futures share one thread, so synchronous code in a future delays the others.
    pub fn single_threaded(mut self) -> Host {
        self.single_threaded = true;
        self
    }

    /// States that blocking work runs on the executor, as by the default of [`Spawner::spawn_blocking`].
    ///
    /// [`Spawner::spawn_blocking`]: crate::runtime::Spawner::spawn_blocking
    pub fn without_blocking_pool(mut self) -> Host {
        self.blocking_pool = false;
        self
    }

    /// Sets the function that shuts the runtime down while schedulers use the runtime. The function must not wait for
    /// tasks.
    ///
    /// The suite calls the function at the end of every check, and earlier in the checks of a shutdown. Without the
    /// function, the suite wraps the runtime in a layer. To shut down, the layer refuses new futures, drops its
    /// futures, and stops the timers.
    pub fn on_shut_down(mut self, shut_down: impl FnOnce() + Send + 'static) -> Host {
        self.shut_down = Some(Box::new(shut_down));
        self
    }

    pub(super) fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.runtime)
    }

    pub(super) fn is_single_threaded(&self) -> bool {
        self.single_threaded
    }

    pub(super) fn has_blocking_pool(&self) -> bool {
        self.blocking_pool
    }

    pub(super) fn can_be_shut_down(&self) -> bool {
        self.shut_down.is_some()
    }

    /// Wraps a runtime that cannot be shut down in a `layer` that can.
    pub(super) fn mortal<R: Runtime>(
        mut self,
        layer: impl FnOnce(Arc<dyn Runtime>) -> (R, Box<dyn FnOnce() + Send>),
    ) -> Host {
        if self.shut_down.is_none() {
            let (runtime, shut_down) = layer(self.runtime());
            self.runtime = Arc::new(runtime);
            self.shut_down = Some(shut_down);
        }
        self
    }

    pub(super) fn shut_down(&mut self) {
        if let Some(shut_down) = self.shut_down.take() {
            shut_down();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl<R: Runtime> From<R> for Host {
    fn from(runtime: R) -> Host {
        Host::new(runtime)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("single_threaded", &self.single_threaded)
            .field("blocking_pool", &self.blocking_pool)
            .finish_non_exhaustive()
    }
}
