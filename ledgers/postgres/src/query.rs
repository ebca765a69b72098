use std::io;
use std::sync::Arc;

use atevery::ledger::BoxFuture;

/// A value that a statement refers to by `$1`, `$2` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `text`.
    Text(&'a str),
    /// `bigint`.
    Integer(i64),
    /// `boolean`.
    Flag(bool),
}

/// What the ledger needs of PostgreSQL: a client, or a pool of any kind.
///
/// `tokio_postgres::Client` is one, and so are [`Reconnect`](crate::Reconnect) and an `Arc` of one. For a pool, pass
/// the call on to one of its clients:
///
/// ```
/// use std::io;
///
/// use atevery::ledger::BoxFuture;
/// use atevery_postgres::{Postgres, Query, Value};
/// use tokio_postgres::Client;
///
/// # struct Pool;
/// # impl Pool { async fn get(&self) -> io::Result<Client> { unimplemented!() } }
/// struct Pooled(Pool);
///
/// impl Query for Pooled {
///     fn row<'a>(
///         &'a self,
///         statement: &'static str,
///         values: &'a [Value<'a>],
///     ) -> BoxFuture<'a, io::Result<Option<Vec<Option<i64>>>>> {
///         Box::pin(async move { self.0.get().await?.row(statement, values).await })
///     }
///
///     fn batch(&self, statements: &'static str) -> BoxFuture<'_, io::Result<()>> {
///         Box::pin(async move { self.0.get().await?.batch(statements).await })
///     }
/// }
/// # fn make(pool: Pool) -> Postgres {
/// Postgres::new(Pooled(pool))
/// # }
/// ```
pub trait Query: Send + Sync + 'static {
    /// Runs a statement outside of any transaction, and returns its first row, if there is one. All columns are
    /// `bigint`.
    fn row<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, io::Result<Option<Vec<Option<i64>>>>>;

    /// Runs several statements without values, separated by semicolons.
    fn batch(&self, statements: &'static str) -> BoxFuture<'_, io::Result<()>>;
}

impl<Q: Query + ?Sized> Query for Arc<Q> {
    fn row<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, io::Result<Option<Vec<Option<i64>>>>> {
        (**self).row(statement, values)
    }

    fn batch(&self, statements: &'static str) -> BoxFuture<'_, io::Result<()>> {
        (**self).batch(statements)
    }
}
