//! What the tests of the ledgers share: servers that end with the test, and a proxy that disturbs connections.

#![allow(dead_code, reason = "each package uses a part")]

pub(crate) mod proxy;
pub(crate) mod server;
