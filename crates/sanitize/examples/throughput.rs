//! Prints how many rows of two realistic tables are sanitised in a second:
//! `cargo run --release -p sanitize --example throughput`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::time::Instant;

use sanitize::{ColumnFacts, PseudonymKey, SanitizedColumn, Sanitizer, ValueKind, classify};

/// Distinct rows: more than fit into a processor's nearest cache, as in a real table.
const ROWS: usize = 2_000;

/// Rounds over them; the best is what the processor can do when nobody else wants it.
const ROUNDS: usize = 50;

fn main() {
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("throughput"));
    measure("prose", &sanitizer, prose);
    measure("digests", &sanitizer, digests);
}

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
fn measure(shape: &str, sanitizer: &Sanitizer, row: fn(usize) -> Vec<String>) {
    let columns = columns();
    let rows: Vec<Vec<String>> = (0..ROWS).map(row).collect();
    let bytes: usize = rows.iter().flatten().map(String::len).sum();
    let mut out = String::new();
    println!("{shape}:");
    for (at, (name, column)) in columns.iter().enumerate() {
        let values = || rows.iter().map(|row| row[at].as_str());
        let best = best_of(|| {
            for value in values() {
                let _ = black_box(sanitizer.apply(column, black_box(value), &mut out));
            }
        });
        println!(
            "  {name:<18} {:<22} {:>6.0} ns",
            column.treatment().to_string(),
            best
        );
    }
    let best = best_of(|| {
        for row in &rows {
            for ((_, column), value) in columns.iter().zip(row) {
                let _ = black_box(sanitizer.apply(column, black_box(value), &mut out));
            }
        }
    });
    println!(
        "  a row of {} bytes: {best:.0} ns, {:.0} rows/s",
        bytes / ROWS,
        1e9 / best
    );
}

/// Returns the nanoseconds a row of the fastest round.
fn best_of(mut round: impl FnMut()) -> f64 {
    let time = |round: &mut dyn FnMut()| {
        let start = Instant::now();
        round();
        start.elapsed().as_nanos() as f64 / ROWS as f64
    };
    (0..ROUNDS)
        .map(|_| time(&mut round))
        .fold(f64::INFINITY, f64::min)
}

fn columns() -> Vec<(&'static str, SanitizedColumn)> {
    let text = ValueKind::Text;
    let kinds = [
        ("id", ValueKind::Integer),
        ("slug", text.clone()),
        ("title", text.clone()),
        ("description", text.clone()),
        ("price", ValueKind::Decimal),
        ("published", ValueKind::Boolean),
        ("tags", ValueKind::Array(Box::new(text.clone()))),
        ("instructor_email", text),
        ("created_at", ValueKind::Timestamp),
        ("meta", ValueKind::Json),
    ];
    let prepare = |(name, kind): (&'static str, ValueKind)| {
        let facts = ColumnFacts {
            table: "courses",
            name,
            kind: &kind,
            max_chars: None,
            unique: matches!(name, "id" | "slug"),
            nullable: true,
        };
        (
            name,
            SanitizedColumn::new(&facts, classify(&facts).treatment),
        )
    };
    kinds.into_iter().map(prepare).collect()
}

/// A row of words, as people write them.
fn prose(number: usize) -> Vec<String> {
    vec![
        number.to_string(),
        format!("introduction-to-systems-{number}"),
        format!("Introduction to systems, part {number}"),
        format!(
            "In {} lessons you build a small database. We begin with pages and end with recovery; \
             bring curiosity, a laptop and 3 free evenings. Exercises are graded within a day.",
            10 + number % 20
        ),
        format!("{}.99", number % 300),
        "t".to_owned(),
        "{databases,systems,\"hands on\"}".to_owned(),
        format!("instructor{}@university.edu", number % 500),
        created_at(number),
        format!(
            "{{\"level\": \"intermediate\", \"lessons\": {}, \"rating\": 4.{}, \"lang\": \"en\", \
             \"flags\": [\"new\", \"featured\"]}}",
            number % 40,
            number % 10
        ),
    ]
}

/// A row of what programs draw: words of digits and letters, which may be or hold anything until
/// they are looked at.
fn digests(number: usize) -> Vec<String> {
    vec![
        number.to_string(),
        format!("course-{number}-{}", &digest(number)[..8]),
        format!("Practical course number {number}"),
        format!(
            "A course about {} and {} for people who like {} very much.",
            digest(number),
            digest(number + ROWS),
            digest(number + 2 * ROWS)
        ),
        format!("{}.99", number % 300),
        "t".to_owned(),
        format!("{{tag{},tag{}}}", number % 7, number % 11),
        format!("teacher{}@school.test", number % 500),
        created_at(number),
        format!(
            "{{\"note\": \"{}\", \"level\": \"beginner\", \"lessons\": {}}}",
            digest(number + 3 * ROWS),
            number % 40
        ),
    ]
}

fn created_at(number: usize) -> String {
    format!(
        "2024-03-{:02} 10:15:{:02}.123456+00",
        1 + number % 28,
        number % 60
    )
}

/// Returns 32 hexadecimal digits, the same in every run.
fn digest(number: usize) -> String {
    let half = |salt: usize| {
        let mut hasher = DefaultHasher::new();
        (salt, number).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}
