//! The conformance suite on every runtime that has an adapter here.

use std::sync::Arc;
use std::thread::available_parallelism;

use async_executor::Executor;
use atevery::runtime::{AsyncIo, AsyncStd, FuturesSpawner, FuturesTimer, Smol, Standalone, Tokio};
use atevery::testing::conformance;
use atevery::testing::conformance::Host;
use futures::executor::ThreadPool;
use tokio::runtime::Builder;

conformance!(tokio_multi_thread, tokio_multi_thread());
conformance!(tokio_current_thread, tokio_current_thread());
conformance!(smol_global, Host::new(Smol).single_threaded());
conformance!(async_std_global, async_std_global());
conformance!(bare_executor, bare_executor());
conformance!(thread_pool, thread_pool());
conformance!(standalone, Standalone::new());

fn tokio_multi_thread() -> Host {
    let tokio = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    Host::new(Tokio::from(tokio.handle().clone())).on_shut_down(move || tokio.shutdown_background())
}

fn tokio_current_thread() -> Host {
    let tokio = Builder::new_current_thread().enable_all().build().unwrap();
    let runtime = Tokio::from(tokio.handle().clone());
    let drive = move |shut_down| {
        tokio.block_on(shut_down);
        tokio.shutdown_background();
    };
    Host::driven(runtime, drive).single_threaded()
}

/// The executor of async-std has a thread for each processor.
fn async_std_global() -> Host {
    let host = Host::new(AsyncStd);
    if available_parallelism().is_ok_and(|processors| processors.get() == 1) {
        host.single_threaded()
    } else {
        host
    }
}

fn bare_executor() -> Host {
    let executor = Arc::new(Executor::new());
    let runtime = (Arc::clone(&executor), AsyncIo);
    Host::driven(runtime, move |shut_down| async_io::block_on(executor.run(shut_down))).single_threaded()
}

fn thread_pool() -> Host {
    let pool = ThreadPool::builder().pool_size(4).create().unwrap();
    Host::new((FuturesSpawner(pool), FuturesTimer)).without_blocking_pool()
}
