//! What the tests of the ledgers share: servers that end with the test, a proxy that disturbs connections, and checks.

#![allow(dead_code, reason = "each package uses a part")]

pub(crate) mod checks;
pub(crate) mod proxy;
pub(crate) mod server;
