//! The dependency may have another name.
mod atevery {}

extern crate atevery as every_job;

use every_job::every;

#[every(crate = every_job, "2s", "fast")]
fn first(_name: &str) {}

#[every("2s", crate = ::every_job)]
async fn last() {}

mod inner {
    mod reexport {
        pub use ::atevery as scheduler;
    }

    #[every_job::every(crate = self::reexport::scheduler, "2s")]
    fn path() {}
}

fn main() {}
