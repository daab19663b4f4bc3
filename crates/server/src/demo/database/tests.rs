//! The database is the same every time, is whole, and is made only where nothing is lost.

use super::*;

#[tokio::test]
async fn two_makes_have_the_same_content_and_it_is_this_version_s() {
    let folder = tempfile::tempdir().unwrap();
    let mut hashes = Vec::new();
    for name in ["one.db", "two.db"] {
        let path = folder.path().join(name);
        database(&path).await.unwrap();
        hashes.push(hash(&std::fs::read(&path).unwrap()));
    }
    assert_eq!(hashes[0], hashes[1]);
    let connection = open(&folder.path().join("one.db"));
    let content = content(&connection);
    assert_eq!(
        content, CONTENT,
        "the content changed: {content:#x} goes with a VERSION one higher"
    );
}

#[tokio::test]
async fn what_was_made_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/demo.db");
    database(&path).await.unwrap();
    let connection = open(&path);
    for (table, rows) in [
        ("courses", COURSES),
        ("users", USERS),
        ("enrollments", ENROLLMENTS),
        ("payments", PAYMENTS),
    ] {
        assert_eq!(
            count(&connection, &format!("SELECT count(*) FROM {table}")),
            rows
        );
    }
    for nothing in BROKEN {
        assert_eq!(count(&connection, nothing), 0, "{nothing}");
    }
    for some in PERSONAL {
        assert!(count(&connection, some) > 20, "{some}");
    }
    let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "nothing else is left beside it");
}

#[tokio::test]
async fn a_current_database_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.db");
    marked(&path, VERSION);
    let before = std::fs::read(&path).unwrap();
    database(&path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn an_outdated_database_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.db");
    marked(&path, VERSION - 1);
    database(&path).await.unwrap();
    let courses = count(&open(&path), "SELECT count(*) FROM courses");
    assert_eq!(courses, COURSES);
}

#[tokio::test]
async fn somebody_s_own_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.db");
    open(&own).execute_batch("CREATE TABLE t (a)").unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database").unwrap();
    for path in [own, text] {
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(
            database(&path).await,
            Err(DemoError::Foreign { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = database(&folder.path().join("file/demo.db"))
        .await
        .unwrap_err();
    assert!(matches!(error, DemoError::File { .. }), "{error}");
}

/// Makes a database that says that it is the demo's, of a version.
fn marked(path: &Path, version: u32) {
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {version}");
    open(path).execute_batch(&marks).unwrap();
}

fn open(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

fn count(connection: &Connection, sql: &str) -> u64 {
    let count: i64 = connection.query_one(sql, [], |row| row.get(0)).unwrap();
    u64::try_from(count).unwrap()
}

/// Hashes every row of every table as text.
fn content(connection: &Connection) -> u64 {
    let mut hashes = Vec::new();
    for table in ["courses", "users", "enrollments", "payments"] {
        let columns = "SELECT group_concat('quote(' || name || ')') FROM pragma_table_info(?)";
        let columns: String = connection
            .query_one(columns, [table], |row| row.get(0))
            .unwrap();
        let sql = format!("SELECT concat_ws(',', {columns}) FROM {table} ORDER BY id");
        let mut rows = connection.prepare(&sql).unwrap();
        let row_hashes = rows.query_map([], |row| Ok(hash(row.get_ref(0)?.as_bytes()?)));
        hashes.extend(row_hashes.unwrap().map(Result::unwrap));
    }
    hash(
        &hashes
            .iter()
            .flat_map(|hash| hash.to_be_bytes())
            .collect::<Vec<_>>(),
    )
}

/// FNV-1a, whose values never change.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Counts of what must not be.
const BROKEN: &[&str] = &[
    "SELECT count(*) FROM pragma_foreign_key_check",
    "SELECT count(*) - count(DISTINCT slug) FROM courses",
    "SELECT count(*) - count(DISTINCT email) FROM users",
    "SELECT count(*) FROM courses WHERE NOT json_valid(tags) OR NOT json_valid(meta)",
    "SELECT count(*) FROM courses WHERE json_array_length(tags) < 2",
    "SELECT count(*) FROM courses
     WHERE slug GLOB '*[^a-z0-9-]*' OR slug GLOB '-*' OR slug GLOB '*-'",
    "SELECT count(*) FROM courses WHERE description LIKE '%{}%' OR updated_at < created_at",
    "SELECT count(*) FROM courses WHERE instructor_email NOT LIKE '%_@%_.test'",
    "SELECT count(*) FROM users
     WHERE email NOT LIKE '%_@%_.test' OR date(birth_date) <> birth_date",
    "SELECT count(*) FROM enrollments WHERE (progress = 100) <> (completed_at IS NOT NULL)",
    "SELECT count(*) FROM enrollments AS e JOIN users AS u ON u.id = e.user_id
     WHERE e.enrolled_at < u.created_at OR e.completed_at < e.enrolled_at",
    "SELECT count(*) FROM payments AS p JOIN enrollments AS e ON e.id = p.enrollment_id
     JOIN courses AS c ON c.id = e.course_id
     WHERE p.user_id <> e.user_id OR p.amount_cents <> c.price_cents OR p.currency <> c.currency",
    "SELECT count(*) FROM payments WHERE (iban IS NULL) = (card_last4 IS NULL)",
];

/// Counts of rows with personal data where a sanitiser has to look for it.
const PERSONAL: &[&str] = &[
    "SELECT count(*) FROM courses WHERE description LIKE '%Call %0%'",
    "SELECT count(*) FROM courses WHERE description LIKE '%@%.test%'",
    "SELECT count(*) FROM courses WHERE meta ->> '$.support.contacts[0].email' LIKE '%@%.test'",
    "SELECT count(*) FROM courses, json_each(meta, '$.reviewed_by') AS m
     WHERE m.key LIKE '%@%.test'",
    "SELECT count(*) FROM users WHERE notes LIKE '%@%.test%'",
    "SELECT count(*) FROM payments WHERE iban LIKE 'DE%'",
];

/// The hash of this version's content.
const CONTENT: u64 = 0x6fe4_2ffe_d289_fa15;
