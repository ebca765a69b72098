//! The ledger on a real server. It must be installed; see the README.

mod faults;
mod postgres;
mod races;
mod smol_runtime;
#[path = "../../../support/mod.rs"]
mod support;

use atevery::ledger::Ledger;
use atevery::testing::ledger_conformance;
use atevery::testing::ledger_conformance::Store;
use atevery_postgres::Postgres;
use futures::executor::block_on;

use postgres::{Database, shared};

ledger_conformance!(on_the_servers_clock, on_the_servers_clock());
ledger_conformance!(on_a_clock_of_the_test, on_a_clock_of_the_test());

fn on_the_servers_clock() -> Store {
    let database = shared().database();
    Store::new(ledger(&database))
}

/// The schema has a `clock_timestamp` of its own, which comes before that of PostgreSQL.
fn on_a_clock_of_the_test() -> Store {
    let database = shared().database();
    let client = database.client();
    let fake = "
        CREATE TABLE clock (now timestamptz);
        INSERT INTO clock VALUES (clock_timestamp());
        CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT now FROM clock';";
    block_on(client.batch_execute(fake)).unwrap();
    Store::new(ledger(&database)).clock(move |to| {
        block_on(client.execute("UPDATE clock SET now = $1", &[&to])).unwrap();
    })
}

fn ledger(database: &Database) -> Postgres {
    let ledger = Postgres::new(database.client());
    block_on(ledger.migrate()).unwrap();
    ledger
}

#[test]
fn migration_can_be_repeated() {
    let database = shared().database();
    let (first, second) = (ledger(&database), ledger(&database));
    block_on(first.migrate()).unwrap();
    assert_eq!(block_on(second.last("bill")).unwrap(), None);
}

#[test]
fn without_a_table_the_error_is_the_servers() {
    let ledger = Postgres::new(shared().database().client());
    let error = block_on(ledger.last("bill")).unwrap_err();
    assert!(
        error.to_string().contains("relation \"atevery_ledger\" does not exist"),
        "{error}"
    );
}
