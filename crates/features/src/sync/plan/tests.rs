use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;
use sanitize::PseudonymKey;
use tempfile::TempDir;
use transport::trust::{Allow, NoSanitize, Scopes};

use super::super::source::Snapshot;
use super::*;
use crate::sync::database::DatabaseUrl;

/// A shop with parents and children, and a table without a key.
const SHOP: &str = "
    CREATE TABLE albums (id INTEGER PRIMARY KEY, artist INTEGER REFERENCES artists, label INTEGER REFERENCES labels);
    CREATE TABLE artists (id INTEGER PRIMARY KEY);
    CREATE TABLE labels (id INTEGER PRIMARY KEY);
    CREATE TABLE notes (words TEXT);
    INSERT INTO artists VALUES (1), (2), (3);";

/// A database, and how a plan is wanted of it.
struct Play {
    folder: TempDir,
    scopes: Scopes,
    config: &'static str,
    open: Open,
}

impl Play {
    fn of(sql: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let connection = Connection::open(folder.path().join("shop.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        Self {
            folder,
            scopes: Scopes::default(),
            config: "",
            open: Open {
                tables: Selection::All,
                limit: None,
                sanitising: Sanitising::On,
            },
        }
    }

    fn only(mut self, tables: &[&str]) -> Self {
        let names = tables.iter().map(ToString::to_string);
        self.scopes.tables = Allow::Only(names.collect());
        self
    }

    fn named(mut self, tables: &[&str]) -> Self {
        self.open.tables = Selection::Named(tables.iter().map(ToString::to_string).collect());
        self
    }

    async fn plan(&self) -> Result<Plan, Fault> {
        let database = DatabaseUrl::Sqlite(self.folder.path().join("shop.db"));
        let mut snapshot = Snapshot::open(&database).await.unwrap();
        let config = toml::from_str(self.config).unwrap();
        let pseudonyms = Pseudonyms {
            key: Arc::new(PseudonymKey::from_secret("a pseudonym key of the tests")),
            lasting: true,
        };
        let planner = Planner {
            open: &self.open,
            rights: Rights::new("laptop", &self.scopes, &config),
            pseudonyms: &pseudonyms,
        };
        planner.plan(&mut snapshot).await
    }

    async fn fault(&self) -> (Status, String) {
        let fault = self.plan().await.unwrap_err();
        (fault.status, fault.reason)
    }
}

fn names(plan: &Plan) -> Vec<String> {
    let names = plan.tables.iter().map(|plan| plan.table.name.to_string());
    names.collect()
}

fn skipped(plan: &Plan) -> Vec<String> {
    let names = plan.skipped.iter().map(|skipped| skipped.table.to_string());
    names.collect()
}

#[tokio::test]
async fn all_tables_come_with_parents_before_children() {
    let plan = Play::of(SHOP).plan().await.unwrap();
    assert_eq!(names(&plan), ["artists", "labels", "albums", "notes"]);
    assert_eq!(skipped(&plan), [""; 0]);
    assert_eq!(plan.tables[0].rows, 3);
}

#[tokio::test]
async fn within_a_cycle_the_order_stays_and_what_hangs_on_it_comes_after() {
    let cycle = "
        CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES c);
        CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a);
        CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b);";
    assert_eq!(
        names(&Play::of(cycle).plan().await.unwrap()),
        ["a", "b", "c"]
    );
}

#[tokio::test]
async fn a_key_for_some_tables_learns_of_no_other() {
    let plan = Play::of(SHOP)
        .only(&["albums", "labels"])
        .plan()
        .await
        .unwrap();
    assert_eq!(names(&plan), ["labels", "albums"]);
    let shown = format!("{plan:?}");
    assert!(
        !shown.contains("artists") && !shown.contains("notes"),
        "{shown}"
    );
    assert_eq!(names(&plan).len(), 2);
    let parents: Vec<_> = plan.tables[1]
        .table
        .parents
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(parents, ["labels"]);
}

#[tokio::test]
async fn a_name_near_one_that_the_key_may_not_sync_is_not_offered() {
    let play = Play::of(SHOP).only(&["albums"]);
    let (status, reason) = play.named(&["artist"]).fault().await;
    assert_eq!(status, Status::NOT_FOUND);
    assert!(!reason.contains("artists"), "{reason}");
    let (_, reason) = Play::of(SHOP).named(&["artist"]).fault().await;
    assert!(reason.contains("\"artists\""), "{reason}");
}

#[tokio::test]
async fn a_table_outside_the_scope_is_refused_by_name() {
    let play = Play::of(SHOP)
        .only(&["albums"])
        .named(&["albums", "labels"]);
    let (status, reason) = play.fault().await;
    assert_eq!(status, Status::FORBIDDEN);
    assert!(
        reason.contains("\"laptop\" may not sync labels"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_scope_may_name_the_schema_that_users_leave_out() {
    let plan = Play::of(SHOP)
        .only(&["public.labels"])
        .plan()
        .await
        .unwrap();
    assert_eq!(names(&plan), ["labels"]);
}

#[tokio::test]
async fn rows_as_they_are_need_the_scope_and_the_consent() {
    let mut play = Play::of(SHOP).only(&["albums", "labels"]);
    play.open.sanitising = Sanitising::Off;
    play.config = r#"no-sanitize = ["public.labels", "notes"]"#;
    let refused = play.plan().await.unwrap();
    assert_eq!(
        (names(&refused), skipped(&refused)),
        (vec![], vec!["albums".into(), "labels".into()])
    );

    play.scopes.no_sanitize = NoSanitize::Granted;
    let plan = play.plan().await.unwrap();
    assert_eq!(
        (names(&plan), skipped(&plan)),
        (vec!["labels".into()], vec!["albums".into()])
    );
    assert!(
        plan.tables[0]
            .columns
            .iter()
            .all(|column| column.treatment == Treatment::Keep)
    );

    let (status, reason) = play.named(&["albums"]).fault().await;
    assert_eq!(status, Status::FORBIDDEN);
    assert!(
        reason.contains("does not consent to rows of albums"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_limit_needs_a_key_and_bounds_the_estimate() {
    let mut play = Play::of(SHOP).named(&["artists"]);
    play.open.limit = Some(2);
    let plan = play.plan().await.unwrap();
    assert_eq!((plan.tables[0].rows, plan.tables[0].limit), (2, Some(2)));
    let (status, reason) = play.named(&["notes"]).fault().await;
    assert_eq!(status, Status::BAD_REQUEST);
    assert!(reason.contains("notes has no primary key"), "{reason}");
}

#[tokio::test]
async fn a_table_that_is_named_twice_comes_once_and_none_is_too_few() {
    let plan = Play::of(SHOP)
        .named(&["labels", "LABELS", "artists"])
        .plan()
        .await
        .unwrap();
    assert_eq!(names(&plan), ["labels", "artists"]);
    assert_eq!(
        Play::of(SHOP).named(&[]).fault().await.0,
        Status::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_unique_column_too_short_for_pseudonyms_is_refused_and_is_no_stale_cursor() {
    let users = "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(4) UNIQUE);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO users SELECT i, i || '@x' FROM n;";
    let (status, reason) = Play::of(users).named(&["users"]).fault().await;
    assert_eq!(status, Status::BAD_REQUEST);
    assert!(reason.contains("\"email\" of users is unique"), "{reason}");
}

#[tokio::test]
async fn more_tables_than_a_plan_holds_are_refused_unless_the_key_reaches_fewer() {
    let many: BTreeSet<_> = (0..=MOST_TABLES).map(|n| format!("t{n}")).collect();
    let sql: String = many
        .iter()
        .map(|name| format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY);"))
        .collect();
    let play = Play::of(&sql);
    let (status, reason) = play.fault().await;
    assert_eq!(status, Status::BAD_REQUEST);
    assert!(reason.contains("1001 tables"), "{reason}");
    assert_eq!(
        names(&play.only(&["t7", "t8"]).plan().await.unwrap()),
        ["t7", "t8"]
    );
}
