//! What the fuzz targets check.

pub mod agenda_operations;
pub mod interval_parser;

// The agenda is private to the library; these four files need nothing else of it.
#[path = "../../src/agenda.rs"]
#[allow(dead_code, reason = "only what the operations need is called")]
mod agenda;
#[path = "../../src/grid.rs"]
mod grid;
mod model;
#[path = "../../src/slots.rs"]
#[allow(dead_code, reason = "only what the agenda needs is called")]
mod slots;
#[path = "../../src/time.rs"]
#[allow(dead_code, reason = "only what the agenda needs is called")]
mod time;
