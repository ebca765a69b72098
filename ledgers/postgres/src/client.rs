//! Clients of tokio-postgres.

use std::fmt;
use std::io;
use std::sync::Arc;

use atevery::ledger::BoxFuture;
use futures::lock::Mutex;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use crate::query::{Query, Value};

/// A client serves until its connection is lost. Then each call is an error.
impl Query for Client {
    fn row<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, io::Result<Option<Vec<Option<i64>>>>> {
        Box::pin(async move {
            let typed: Vec<(&(dyn ToSql + Sync), Type)> = values.iter().map(typed).collect();
            // One round trip, and no prepared statement, which poolers such as PgBouncer may not keep.
            let rows = self.query_typed(statement, &typed).await.map_err(told)?;
            let columns = |row: &tokio_postgres::Row| (0..row.len()).map(|column| row.try_get(column)).collect();
            rows.first().map(columns).transpose().map_err(told)
        })
    }

    fn batch(&self, statements: &'static str) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move { self.batch_execute(statements).await.map_err(told) })
    }
}

fn typed<'a>(value: &'a Value<'_>) -> (&'a (dyn ToSql + Sync), Type) {
    match value {
        Value::Text(text) => (text, Type::TEXT),
        Value::Integer(integer) => (integer, Type::INT8),
        Value::Flag(flag) => (flag, Type::BOOL),
    }
}

/// The `Display` of the error leaves out what the server said.
fn told(error: Error) -> io::Error {
    let kind = if error.is_closed() {
        io::ErrorKind::NotConnected
    } else {
        io::ErrorKind::Other
    };
    let message = match error.as_db_error() {
        Some(of_server) => format!("PostgreSQL: {of_server}"),
        None => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            format!("PostgreSQL: {error}{}", cause.unwrap_or_default())
        }
    };
    io::Error::new(kind, message)
}

type Connect = dyn Fn() -> BoxFuture<'static, io::Result<Client>> + Send + Sync;

/// A client that is replaced when its connection is lost.
///
/// The call that meets the loss returns an error. The next one connects.
///
/// ```no_run
/// use std::io;
///
/// use atevery_postgres::{Postgres, Reconnect};
/// use tokio_postgres::NoTls;
///
/// # async fn make() -> io::Result<()> {
/// let ledger = Postgres::new(Reconnect::new(|| async {
///     let (client, connection) = tokio_postgres::connect("host=db user=app", NoTls).await.map_err(io::Error::other)?;
///     tokio::spawn(connection);
///     Ok(client)
/// }));
/// ledger.migrate().await?;
/// # Ok(())
/// # }
/// ```
pub struct Reconnect {
    connect: Box<Connect>,
    client: Mutex<Option<Arc<Client>>>,
}

impl Reconnect {
    /// Creates a client that connects at its first call. `connect` opens a connection, has it driven by a task, and
    /// returns its client.
    pub fn new<F>(connect: impl Fn() -> F + Send + Sync + 'static) -> Reconnect
    where
        F: Future<Output = io::Result<Client>> + Send + 'static,
    {
        Reconnect {
            connect: Box::new(move || Box::pin(connect())),
            client: Mutex::new(None),
        }
    }

    /// Callers that come while a connection is being opened wait for it.
    async fn client(&self) -> io::Result<Arc<Client>> {
        let mut client = self.client.lock().await;
        if let Some(open) = client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new((self.connect)().await?);
        *client = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl Query for Reconnect {
    fn row<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, io::Result<Option<Vec<Option<i64>>>>> {
        Box::pin(async move { self.client().await?.row(statement, values).await })
    }

    fn batch(&self, statements: &'static str) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move { self.client().await?.batch(statements).await })
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect").finish_non_exhaustive()
    }
}
