//! The statements that make `courses`: about 350 bytes a row, the same in every run.
//!
//! Each row is drawn from its number, by the same arithmetic in both kinds of database: `H` is a
//! number of 32 bits whose pieces choose phrases. One row in sixteen has personal data in its
//! description, and one in eight in its meta.

/// Returns the statements that make the table in PostgreSQL, without rows.
pub(super) fn postgres_table() -> &'static str {
    "CREATE TABLE courses (
        id bigint PRIMARY KEY,
        slug text NOT NULL UNIQUE,
        title text NOT NULL,
        description text NOT NULL,
        price numeric(8, 2) NOT NULL,
        published bool NOT NULL,
        tags text[] NOT NULL,
        instructor_email text NOT NULL,
        created_at timestamptz NOT NULL,
        meta jsonb NOT NULL
    )"
}

/// Returns the statement that fills the table in PostgreSQL.
pub(super) fn postgres_rows(rows: u64) -> String {
    let phrase = |shift: u32| format!("p[1 + (h >> {shift} & 31)]");
    let description = description(&phrase);
    let tag = |shift: u32| format!("(ARRAY[{}])[1 + (h >> {shift} & 7)]", list(&TAGS));
    format!(
        "INSERT INTO courses SELECT
            i,
            'course-' || i || '-' || lpad(to_hex(h), 8, '0'),
            {title},
            {description},
            round((500 + h % 20000) / 100.0, 2),
            h % 10 <> 0,
            ARRAY[{}, {}, {}],
            'instructor' || (h % 5000) || '@{DOMAIN}',
            timestamptz '2020-01-01 00:00:00+00' + i * interval '97 seconds',
            jsonb_build_object('level', {}, 'hours', h % 60, 'rating', round((h >> 6 & 31) / 10.0, 1),
                'contact', CASE WHEN h >> 9 & 7 = 0 THEN 'office' || (h % 900) || '@{DOMAIN}' ELSE 'front desk' END)
        FROM (SELECT i, (i * {MULTIPLIER}) % 4294967296 AS h, ARRAY[{phrases}] AS p
              FROM generate_series(1::bigint, {rows}) AS i) AS drawn",
        tag(3),
        tag(11),
        tag(19),
        tag(23),
        title = title(&phrase),
        phrases = list(&PHRASES),
    )
}

/// Returns the statements that make the table in SQLite and fill it.
pub(super) fn sqlite(rows: u64) -> String {
    let phrase =
        |shift: u32| format!("(SELECT text FROM temp.phrases WHERE place = (h >> {shift} & 31))");
    let tag = |shift: u32| format!("(SELECT text FROM temp.tags WHERE place = (h >> {shift} & 7))");
    format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
        CREATE TABLE courses (
            id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, title TEXT NOT NULL, description TEXT NOT NULL,
            price NUMERIC NOT NULL, published BOOLEAN NOT NULL, tags TEXT NOT NULL, instructor_email TEXT NOT NULL,
            created_at DATETIME NOT NULL, meta JSON NOT NULL
        );
        CREATE TEMP TABLE phrases (place INTEGER PRIMARY KEY, text TEXT);
        INSERT INTO temp.phrases VALUES {phrases};
        CREATE TEMP TABLE tags (place INTEGER PRIMARY KEY, text TEXT);
        INSERT INTO temp.tags VALUES {tags};
        BEGIN;
        WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows}),
            drawn AS (SELECT i, (i * {MULTIPLIER}) % 4294967296 AS h FROM numbers)
        INSERT INTO courses SELECT
            i,
            'course-' || i || '-' || printf('%08x', h),
            {title},
            {description},
            round((500 + h % 20000) / 100.0, 2),
            h % 10 <> 0,
            json_array({}, {}, {}),
            'instructor' || (h % 5000) || '@{DOMAIN}',
            strftime('%Y-%m-%dT%H:%M:%SZ', 1577836800 + i * 97, 'unixepoch'),
            json_object('level', {}, 'hours', h % 60, 'rating', round((h >> 6 & 31) / 10.0, 1),
                'contact', CASE WHEN h >> 9 & 7 = 0 THEN 'office' || (h % 900) || '@{DOMAIN}' ELSE 'front desk' END)
        FROM drawn;
        COMMIT;",
        tag(3),
        tag(11),
        tag(19),
        tag(23),
        phrases = numbered(&PHRASES),
        tags = numbered(&TAGS),
        title = title(&phrase),
        description = description(&phrase),
    )
}

fn title(phrase: &impl Fn(u32) -> String) -> String {
    format!("'Course ' || i || ': ' || {}", phrase(7))
}

fn description(phrase: &impl Fn(u32) -> String) -> String {
    format!(
        "{} || ' and ' || {} || '. ' || \
         CASE WHEN h >> 17 & 15 = 0 \
         THEN 'Questions go to anna.' || (h % 700) || '@{DOMAIN}, or call +49 30 5550' || (1000 + h % 9000) || '.' \
         ELSE 'No earlier knowledge is needed.' END",
        phrase(0),
        phrase(5),
    )
}

/// Quotes texts, which hold no quotes.
fn list(texts: &[&str]) -> String {
    texts
        .iter()
        .map(|text| format!("'{text}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn numbered(texts: &[&str]) -> String {
    texts
        .iter()
        .enumerate()
        .map(|(place, text)| format!("({place}, '{text}')"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Knuth's multiplier for 32 bits: neighbours differ in every piece.
const MULTIPLIER: u64 = 2_654_435_761;

/// Nobody's, by RFC 2606; a detector of personal data does not know that.
const DOMAIN: &str = "academy.test";

const TAGS: [&str; 8] = [
    "rust",
    "databases",
    "networks",
    "security",
    "design",
    "testing",
    "operations",
    "statistics",
];

const PHRASES: [&str; 32] = [
    "reads a query plan line by line",
    "measures before it changes anything",
    "builds a small service from nothing",
    "keeps what must not be lost",
    "follows a packet through the house",
    "explains why an index is not used",
    "writes a parser by hand",
    "turns a slow page into a quick one",
    "draws the state of a connection",
    "finds the lock that everyone waits for",
    "compares three ways to store a tree",
    "takes a failing night shift apart",
    "plans a migration without a pause",
    "reviews real code from real teams",
    "moves a table of a billion lines",
    "learns to say what a number means",
    "tests what can go wrong in a network",
    "makes errors that tell what to do",
    "restores a backup with the clock running",
    "puts a budget on every request",
    "sketches a schema on one sheet",
    "replaces a cache with a good query",
    "watches a queue fill and drain",
    "counts allocations in a hot loop",
    "chooses between two kinds of key",
    "removes a feature that nobody uses",
    "protects a form from its visitors",
    "rolls out a change to one in ten",
    "reads a flame graph from below",
    "keeps personal data where it belongs",
    "reconnects after the train leaves the tunnel",
    "ends a process without losing work",
];

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn rows_are_of_the_promised_size_and_the_same_each_time() {
        let mut dumps = Vec::new();
        for _ in 0..2 {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&sqlite(1_000)).unwrap();
            let text = "SELECT id || slug || title || description || price || published || tags || instructor_email || created_at || meta FROM courses";
            let mut query = connection.prepare(text).unwrap();
            let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
            dumps.push(rows.collect::<Result<Vec<_>, _>>().unwrap());
        }
        assert_eq!(dumps[0].len(), 1_000);
        let bytes = dumps[0].iter().map(String::len).sum::<usize>() / 1_000;
        assert!((320..380).contains(&bytes), "{bytes} bytes a row");
        assert_eq!(dumps[0], dumps[1]);
    }

    #[tokio::test]
    async fn postgres_takes_the_same_rows() {
        let database = testkit::postgres::database().await;
        database.run(postgres_table()).await;
        database.run(postgres_rows(1_000)).await;
        let mut connection = database.connect().await;
        let bytes: i64 =
            sqlx::query_scalar("SELECT sum(octet_length(courses::text)) / 1000 FROM courses")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert!((320..380).contains(&bytes), "{bytes} bytes a row");
    }
}
