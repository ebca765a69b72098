//! Tokio runtimes that jobs run on while the main thread waits.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::Error;
use crate::work::Waits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Two workers.
    MultiThread,
    CurrentThread,
}

/// A runtime with a thread that drives it. It lives as long as the process.
pub struct TokioHost {
    pub runtime: Arc<Runtime>,
}

impl TokioHost {
    pub fn new(flavor: Flavor) -> Result<TokioHost, Error> {
        let runtime = match flavor {
            Flavor::MultiThread => Builder::new_multi_thread().worker_threads(2).enable_all().build()?,
            Flavor::CurrentThread => Builder::new_current_thread().enable_all().build()?,
        };
        let runtime = Arc::new(runtime);
        if flavor == Flavor::CurrentThread {
            let driven = Arc::clone(&runtime);
            std::thread::spawn(move || driven.block_on(std::future::pending::<()>()));
        }
        Ok(TokioHost { runtime })
    }

    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Runs the future in a task, like a program inside the runtime, and waits for it.
    pub fn inside<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Result<T, Error> {
        let (sender, receiver) = channel();
        self.runtime.spawn(async move {
            // The send cannot fail, because the receiver waits.
            let _ = sender.send(future.await);
        });
        Ok(receiver.recv()?)
    }
}

pub struct TokioWaits;

impl Waits for TokioWaits {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }
}
