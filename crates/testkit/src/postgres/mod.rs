//! A PostgreSQL of the tests' own: one server a run, a fresh database a test.
//!
//! `just test` starts the server for all processes of the run; without it each test process starts
//! one of its own when it first asks. Never one that happens to be running.

mod server;
#[cfg(test)]
mod tests;

use std::{env, panic::resume_unwind, sync::OnceLock, thread};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::{runtime, task};

pub use self::server::{Server, StartError};

/// Names the variable in which `just test` hands the run's server to the tests, as
/// [`Server::address`] gives it.
pub const ADDRESS_VARIABLE: &str = "TESTKIT_POSTGRES_ADDRESS";

/// An empty database of one test, dropped with everything in it when the test lets go of it.
#[derive(Debug)]
pub struct Database {
    address: &'static str,
    name: String,
    url: String,
}

/// Makes an empty database for one test.
///
/// # Panics
///
/// If there is no PostgreSQL on this machine, with the line that installs it: a test that needs one
/// fails, it is never left out.
pub async fn database() -> Database {
    // On a thread that may block; a paused clock of the test's stands still meanwhile.
    let made = task::spawn_blocking(|| block_on(create(address())));
    made.await
        .unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

impl Database {
    /// Returns the URL, with which one may do everything in this database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opens a connection that may do everything.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await
    }

    /// Runs statements, separated by semicolons, on a connection of their own.
    pub async fn run(&self, statements: impl Into<String>) {
        run(&mut self.connect().await, statements.into()).await;
    }

    /// Makes a user who may connect, and nothing more until a test grants it; gone with the server.
    pub async fn user(&self) -> User {
        let mut connection = self.connect().await;
        let name = fresh_name(&mut connection, "user").await;
        run(
            &mut connection,
            format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'"),
        )
        .await;
        let (_, host) = self
            .url
            .split_once('@')
            .expect("an address has a user and a host");
        let url = format!("postgres://{name}:{name}@{host}");
        User { name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // On a thread of its own, for a test's runtime cannot be waited for from here. A server that
        // has gone already took the database with it.
        let (address, name) = (self.address, &self.name);
        let _gone = thread::scope(|scope| scope.spawn(|| block_on(remove(address, name))).join());
    }
}

/// A user of one [`Database`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct User {
    /// The name, for `GRANT … TO`; it needs no quotes.
    pub name: String,
    /// The URL of the database for this user.
    pub url: String,
}

/// Returns the address of the run's server, or else of this process's, which is started once.
fn address() -> &'static str {
    static RUN: OnceLock<Option<String>> = OnceLock::new();
    static OWN: OnceLock<Result<Server, StartError>> = OnceLock::new();

    #[expect(clippy::disallowed_methods, reason = "this variable is the tests' own")]
    let run = RUN.get_or_init(|| env::var(ADDRESS_VARIABLE).ok());
    if let Some(address) = run {
        return address;
    }
    match OWN.get_or_init(Server::start) {
        Ok(server) => server.address(),
        Err(error) => panic!("{error}"),
    }
}

async fn create(address: &'static str) -> Database {
    let mut admin = connect(&format!("{address}/postgres")).await;
    let name = fresh_name(&mut admin, "test").await;
    run(&mut admin, format!("CREATE DATABASE {name}")).await;
    let url = format!("{address}/{name}");
    Database { address, name, url }
}

async fn remove(address: &str, name: &str) -> Result<(), sqlx::Error> {
    let mut admin = PgConnection::connect(&format!("{address}/postgres")).await?;
    // Pools that a test left open do not keep its database.
    let statement = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    admin.execute(statement).await?;
    admin.close().await
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url)
        .await
        .expect("the tests' PostgreSQL accepts connections")
}

async fn run(connection: &mut PgConnection, statements: String) {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await
        .expect("the statements run");
}

/// The server knows best what is unique in it: the processes of a run come and go.
async fn fresh_name(connection: &mut PgConnection, prefix: &'static str) -> String {
    sqlx::query_scalar("SELECT $1 || '_' || replace(gen_random_uuid()::text, '-', '')")
        .bind(prefix)
        .fetch_one(connection)
        .await
        .expect("PostgreSQL 13 or newer makes names")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(work)
}
