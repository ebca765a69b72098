//! The first example of the Python package, line for line.
//!
//! ```sh
//! cargo run --example attribute
//! ```
//!
//! ```python
//! @every(timedelta(seconds=2), 'fast')
//! def print_time(name):
//!     print(name, datetime.now().strftime("%Y-%m-%d %H:%M:%S"))
//!
//! if __name__ == '__main__':
//!     loop = asyncio.new_event_loop()
//!     try:
//!         loop.run_until_complete(start_background_tasks())
//!         loop.run_until_complete(...) # or loop.run_forever()
//!     finally:
//!         loop.run_until_complete(stop_background_tasks())
//! ```

use std::time::{Duration, SystemTime};

use atevery::{every, runtime::Tokio, start_background_tasks, stop_background_tasks};

#[every("2s", "fast")]
fn print_time(name: &str) {
    println!("{name} {:?}", SystemTime::now());
}

#[tokio::main]
async fn main() -> Result<(), atevery::Error> {
    start_background_tasks(Tokio::current())?;
    tokio::time::sleep(Duration::from_secs(5)).await; // or std::future::pending().await
    stop_background_tasks().await;
    Ok(())
}
