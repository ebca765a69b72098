//! Each module registers its own jobs. The program chooses jobs by their tags.
//!
//! ```sh
//! cargo run --example modules             # all jobs
//! cargo run --example modules -- cleanup  # jobs with this tag
//! ```

use std::time::Duration;

use atevery::{Scheduler, runtime::Standalone};

mod metrics {
    use atevery::{MissedTicks, Run, every};

    #[every("500ms", tag = "metrics", missed_ticks = MissedTicks::Skip)]
    fn report(run: &Run) {
        println!("metrics: report {}, {:?} late", run.number(), run.started() - run.due());
    }
}

mod storage {
    use std::io;

    use atevery::{FirstRun, every};

    #[every("1s", "/var/cache/example", tag = "cleanup")]
    #[every("2s", "/tmp/example", tag = "cleanup", first_run = FirstRun::AfterInterval)]
    async fn sweep(directory: &str) -> Result<(), io::Error> {
        println!("storage: sweep {directory}");
        Ok(())
    }

    pub(crate) mod index {
        use atevery::every;

        #[every("1s 500ms", blocking, name = "index", tag = "cleanup")]
        fn compact() {
            println!("storage: compact the index");
        }
    }
}

fn main() -> Result<(), atevery::Error> {
    let tag = std::env::args().nth(1);
    let scheduler = Scheduler::new(Standalone::new());
    let jobs = scheduler.add_registered_where(|function| tag.is_none() || function.tag() == tag.as_deref())?;
    for job in &jobs {
        if let Some(interval) = job.interval() {
            println!("{} every {interval:?}", job.name());
        }
    }
    scheduler.start()?;
    std::thread::sleep(Duration::from_secs(3));
    let report = scheduler.stop().blocking_wait();
    println!("{report}");
    Ok(())
}
