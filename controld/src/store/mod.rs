//! The rows: one file a noun, SQL here and nowhere else, in a subset that holds on SQLite and PostgreSQL.
//!
//! `$n` parameters in the order of their numbers, every aggregate CAST, TEXT ids, BIGINT milliseconds and 0/1.

pub mod accounts;
pub mod audit;
pub mod call_log;
pub mod calls;
pub mod clips;
pub mod contacts;
pub mod facts;
pub mod flow_versions;
pub mod flows;
pub mod hunts;
pub mod inbox;
pub mod journal;
pub mod orgs;
pub mod presence;
pub mod quality;
pub mod recordings;
pub mod sessions;
pub mod teams;
pub mod users;
pub mod vault;

#[cfg(test)]
#[path = "../../tests/it/cluster.rs"]
pub(crate) mod cluster;

use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Row, Transaction};

use crate::model::clock;
use vault::Vault;

/// The database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    reader: AnyPool,
    /// WHY apart: however long people's searches take, a ringing call finds a connection.
    desk_reader: AnyPool,
    writer: AnyPool,
    vault: Arc<Vault>,
}

impl Store {
    /// Opens the database and brings its schema up to date. `sqlite://path` makes the file and its folder if they are
    /// missing; `postgres://user@host/name` is there already.
    ///
    /// One connection writes (D15): within SQLite no write ever meets `SQLITE_BUSY` from within, and on both engines what
    /// one node writes has one order.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let (engine, options) = Engine::of(url)?;
        let writer = pool(engine, 1).connect_with(options.clone()).await?;
        migrate(engine, &writer).await?;
        let desk_reader = pool(engine, DESK_READERS).connect_lazy_with(options.clone());
        let reader = pool(engine, READERS).connect_with(options).await?;
        Ok(Self { engine, reader, desk_reader, writer, vault: Arc::new(Vault::open_plan()) })
    }

    /// The same, sealing secrets from now on.
    #[must_use]
    pub fn with_vault(self, vault: Vault) -> Self {
        Self { vault: Arc::new(vault), ..self }
    }

    /// The same rows, asked over connections of the desk's own.
    pub fn for_desk(&self) -> Self {
        Self { reader: self.desk_reader.clone(), ..self.clone() }
    }

    /// For questions. What they see is committed.
    pub(in crate::store) fn read(&self) -> &AnyPool {
        &self.reader
    }

    /// For changes: a transaction that holds the write lock from its first moment. Nothing is kept without `commit`.
    pub(in crate::store) async fn write(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.writer.begin_with(self.engine.begin()).await?)
    }

    /// The database answers and can be written: `/readyz` asks this.
    pub async fn is_ready(&self) -> bool {
        let Ok(mut change) = self.write().await else { return false };
        change.execute("SELECT 1").await.is_ok() && change.rollback().await.is_ok()
    }

    /// Closes every connection; what is committed is on the disk.
    pub async fn close(&self) {
        self.reader.close().await;
        self.desk_reader.close().await;
        self.writer.close().await;
    }
}

/// Which database it is. What differs between them is here and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The engine an address names, and how to reach it.
    fn of(url: &str) -> Result<(Self, AnyConnectOptions), StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok((Self::Postgres, url.parse()?));
        }
        let path = url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//"));
        let path = path.ok_or_else(|| StoreError::Url(without_password(url)))?;
        let file = path.split('?').next().unwrap_or(path);
        if let Some(folder) = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Folder(folder.display().to_string(), error))?;
        }
        keep_private(Path::new(file)).map_err(|error| StoreError::File(file.to_owned(), error))?;
        // `sqlite:relative/path` keeps a relative path relative: after `//` the first folder would be a host name.
        Ok((Self::Sqlite, format!("sqlite:{file}?mode=rwc").parse()?))
    }

    /// Begins a change. SQLite takes its one write lock at once, not at the first write.
    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// What every connection is told first.
    fn greeting(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => PRAGMAS,
            Self::Postgres => SETTINGS,
        }
    }
}

/// SQLite gives its journals the mode of the database, so that is made, or mended, before SQLite sees it.
fn keep_private(file: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).mode(PRIVATE).open(file)?;
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        match std::fs::set_permissions(&name, std::fs::Permissions::from_mode(PRIVATE)) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is gone.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that fits no state.
    #[error("row {id} of {table} holds {what}, which means nothing")]
    BadRow {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// What it holds.
        what: String,
    },
    /// An address that is no database of ours.
    #[error("{0:?} is no database: it starts with sqlite: or postgres:")]
    Url(String),
    /// A tenant has as many as it may have.
    #[error("there are {max} {what} already, the most an organisation may have; delete one first")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many.
        max: i64,
    },
    /// The folder of the database cannot be made.
    #[error("the folder {0} cannot be made: {1}")]
    Folder(String, #[source] std::io::Error),
    /// The file of the database cannot be made, or not be kept from others.
    #[error("the database {0} cannot be kept private: {1}")]
    File(String, #[source] std::io::Error),
    /// The file was written by a newer Patchbay.
    #[error("the database has schema {found}, this program knows {known}: a newer Patchbay wrote it")]
    Newer {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
}

impl StoreError {
    /// The change met a row that is there already.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// A word of a column as the value it stands for, by the names serde writes.
pub(in crate::store) fn word<T: serde::de::DeserializeOwned>(
    table: &'static str,
    id: &str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| StoreError::BadRow {
        table,
        id: id.to_owned(),
        what: text.to_owned(),
    })
}

/// The word a value is stored as.
pub(in crate::store) fn as_word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn pool(engine: Engine, connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
        // The writer and its readers live as long as the house: a fresh SQLite connection costs a schema read.
        .idle_timeout(None)
        .max_lifetime(None)
        // A server may have been restarted meanwhile; a file cannot.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for word in engine.greeting() {
                    connection.execute(*word).await?;
                }
                Ok(())
            })
        })
}

/// What may be shown of an address.
fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => url.to_owned(),
    }
}

async fn migrate(engine: Engine, writer: &AnyPool) -> Result<(), StoreError> {
    let mut connection = writer.acquire().await?;
    if engine == Engine::Postgres {
        // Two nodes may start at once: the second waits here and finds the work done.
        connection.execute("SELECT pg_advisory_lock(7226710)").await?;
    }
    let done = bring_up(engine, &mut connection).await;
    if engine == Engine::Postgres {
        connection.execute("SELECT pg_advisory_unlock(7226710)").await?;
    }
    done
}

async fn bring_up(engine: Engine, connection: &mut AnyConnection) -> Result<(), StoreError> {
    connection
        .execute("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, at BIGINT NOT NULL)")
        .await?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    for (version, text) in (1_i64..).zip(MIGRATIONS) {
        // Looked at within the change: another process may have been here meanwhile.
        let mut change = connection.begin_with(engine.begin()).await?;
        let row = change.fetch_one("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM schema_versions").await?;
        let found: i64 = row.try_get(0)?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        if version <= found {
            continue;
        }
        sqlx::raw_sql(*text).execute(&mut *change).await?;
        sqlx::query("INSERT INTO schema_versions (version, at) VALUES ($1, $2)")
            .bind(version)
            .bind(clock::now())
            .execute(&mut *change)
            .await?;
        change.commit().await?;
    }
    Ok(())
}

/// In order; a published one is never edited.
const MIGRATIONS: &[&str] =
    &[include_str!("../../migrations/0001_house.sql"), include_str!("../../migrations/0002_editor.sql")];
const PRAGMAS: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    // What is deleted is not to be found in the file.
    "PRAGMA secure_delete = ON",
];
/// reliability.md §5.8: an acknowledged webhook survives a power cut only with FULL, and on PostgreSQL with `on`. Whoever
/// waits for a lock that nobody gives back is told so.
const SETTINGS: &[&str] =
    &["SET synchronous_commit = on", "SET lock_timeout = '10s'", "SET client_min_messages = warning"];
const PRIVATE: u32 = 0o600;
const READERS: u32 = 4;
const DESK_READERS: u32 = 2;
const ACQUIRE_TIMEOUT_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fresh_database_is_made_with_its_folder_and_opened_again_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/deep/house.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        assert!(store.is_ready().await);
        store.close().await;
        let again = Store::open(&url).await.unwrap();
        let rows =
            sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) FROM schema_versions").fetch_one(again.read()).await.unwrap();
        assert_eq!(rows.try_get::<i64, _>(0).unwrap(), i64::try_from(MIGRATIONS.len()).unwrap());
    }

    #[test]
    fn the_store_and_the_jobs_hold_on_postgresql_as_on_sqlite() {
        if cluster::is_named() {
            return;
        }
        cluster::run_again(&["store::", "jobs::"]);
    }

    #[tokio::test]
    async fn two_nodes_that_start_at_once_bring_up_one_schema() {
        let folder = tempfile::tempdir().unwrap();
        let url = cluster::database(folder.path());
        let (one, other) = tokio::join!(Store::open(&url), Store::open(&url));
        assert!(one.unwrap().is_ready().await && other.unwrap().is_ready().await);
    }

    #[tokio::test]
    async fn a_database_of_a_newer_house_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let url = cluster::database(folder.path());
        let store = Store::open(&url).await.unwrap();
        let mut change = store.write().await.unwrap();
        change.execute("INSERT INTO schema_versions (version, at) VALUES (999, 0)").await.unwrap();
        change.commit().await.unwrap();
        store.close().await;
        assert!(matches!(Store::open(&url).await, Err(StoreError::Newer { found: 999, .. })));
    }

    #[tokio::test]
    async fn the_database_and_its_journals_are_for_nobody_else_on_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("house.db");
        // Made by an older house, for all to read.
        std::fs::write(&file, b"").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let store = Store::open(&format!("sqlite://{}", file.display())).await.unwrap();
        assert!(store.is_ready().await);
        let deletes: i64 = store.writer.fetch_one("PRAGMA secure_delete").await.unwrap().try_get(0).unwrap();
        assert_eq!(deletes, 1, "what is deleted is overwritten");
        let mut seen = 0;
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
            seen += 1;
        }
        assert!(seen >= 2, "the database and its write-ahead log");
    }

    #[tokio::test]
    async fn the_desk_reads_while_every_other_connection_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&cluster::database(folder.path())).await.unwrap();
        let mut busy = Vec::new();
        for _ in 0..READERS {
            busy.push(store.read().acquire().await.unwrap());
        }
        assert!(store.read().try_acquire().is_none());
        assert_eq!(store.for_desk().live_calls().await.unwrap(), []);
    }

    #[tokio::test]
    async fn durability_is_what_a_webhook_receipt_needs() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&cluster::database(folder.path())).await.unwrap();
        for pool in [&store.writer, &store.reader] {
            if store.engine == Engine::Postgres {
                let said: String = pool.fetch_one("SHOW synchronous_commit").await.unwrap().try_get(0).unwrap();
                assert_eq!(said, "on");
                continue;
            }
            let mode: String = pool.fetch_one("PRAGMA journal_mode").await.unwrap().try_get(0).unwrap();
            let sync: i64 = pool.fetch_one("PRAGMA synchronous").await.unwrap().try_get(0).unwrap();
            assert_eq!((mode.as_str(), sync), ("wal", 2));
        }
    }
}
