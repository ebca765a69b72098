//! The executors, by name.

use std::io;
use std::sync::Arc;
use std::thread;

use atevery::runtime::{AsyncIo, AsyncStd, FuturesSpawner, FuturesTimer, Runtime, Smol, Standalone, Tokio};
use futures::executor::ThreadPool;

pub(crate) const NAMES: [&str; 7] = [
    "tokio-1",
    "tokio-4",
    "smol",
    "async-std",
    "futures",
    "async-executor",
    "standalone",
];

const THREADS: usize = 4;

/// The executor of this name. It is left running, and ends with the process.
pub(crate) fn runtime(name: &str) -> io::Result<Arc<dyn Runtime>> {
    Ok(match name {
        "tokio-1" => Arc::new(tokio(1)?),
        "tokio-4" => Arc::new(tokio(THREADS)?),
        "smol" => Arc::new(Smol),
        "async-std" => Arc::new(AsyncStd),
        "futures" => Arc::new((
            FuturesSpawner(ThreadPool::builder().pool_size(THREADS).create()?),
            FuturesTimer,
        )),
        "async-executor" => Arc::new((executor(), AsyncIo)),
        "standalone" => Arc::new(Standalone::new()),
        _ => unreachable!("the options know the names"),
    })
}

fn tokio(workers: usize) -> io::Result<Tokio> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_time()
        .build()?;
    let tokio = Tokio::from(runtime.handle().clone());
    std::mem::forget(runtime);
    Ok(tokio)
}

fn executor() -> Arc<async_executor::Executor<'static>> {
    let executor = Arc::new(async_executor::Executor::new());
    for _ in 0..THREADS {
        let executor = Arc::clone(&executor);
        thread::spawn(move || async_io::block_on(executor.run(futures::future::pending::<()>())));
    }
    executor
}
