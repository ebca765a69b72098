//! The checks of the fuzz targets.

pub mod agenda_operations;
pub mod cron_parser;
pub mod interval_parser;

mod model;
// The folder is private to the library, and builds without the rest of the library.
#[allow(dead_code, unused_imports, reason = "only what the operations need is called")]
#[path = "../../src/time/mod.rs"]
mod time;
