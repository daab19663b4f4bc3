//! How fast lines are written for people and for scripts.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use cli::output::Style;
use cli::output::line::{Look, Page, Renderer, Shape};
use client::logs::client::LogItem;
use client::logs::{Entry, Fields, Level, Line, Origin, Record};

use super::Scenario;
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "render-lines",
    about: "lines of eight fields into what `tunnel logs` writes",
    run: |stage| Box::pin(async { run(stage) }),
};

fn run(stage: &Stage) -> Result<Vec<Row>> {
    let rounds = match stage.size {
        Size::Full => 30,
        Size::Quick => 5,
    };
    let items: Vec<_> = (0..LINES).map(item).collect();
    let pretty = |style| move || Look::pretty(style);
    let json = || Look {
        shape: Shape::Json,
        ..Look::pretty(Style::Plain)
    };
    Ok(vec![
        row("for a pipe", &items, rounds, pretty(Style::Plain))?,
        row("for a terminal", &items, rounds, pretty(Style::Coloured))?,
        row("as JSON", &items, rounds, json)?,
    ])
}

fn row(what: &str, items: &[LogItem], rounds: u32, look: impl Fn() -> Look) -> Result<Row> {
    let mut renderer = Renderer::new(look());
    let mut rates = Vec::new();
    for round in 0..=rounds {
        let began = Instant::now();
        for items in items.chunks(AT_ONCE) {
            let mut page = Page::default();
            items
                .iter()
                .for_each(|item| renderer.render(item, &mut page));
            std::hint::black_box(&page);
        }
        let rate = items.len() as f64 / began.elapsed().as_secs_f64();
        // The first warms up.
        rates.extend((round > 0).then_some(rate));
    }
    let figure = Figure::median(&Sample::new(rates)?, Unit::LinesPerSecond);
    Ok(Row::new(what, figure).target(Bound::AtLeast(500_000.0)))
}

/// A line as a server in Node writes it.
fn item(number: u64) -> LogItem {
    let fields = [
        ("pid", "17".to_owned()),
        ("hostname", "api-6c9f4".to_owned()),
        ("reqId", format!("req-{number:x}")),
        ("userId", (number % 5000).to_string()),
        ("req.method", "GET".to_owned()),
        ("req.url", "/api/search?q=rust".to_owned()),
        ("res.statusCode", "200".to_owned()),
        ("responseTime", (number % 977).to_string()),
    ];
    let line = Line {
        time: 1_800_000_000_000_000_000 + number * 1_000_000,
        level: [Level::INFO, Level::INFO, Level::WARN, Level::ERROR][(number % 4) as usize],
        origin: Origin::new("api", "i-1"),
        message: "request completed".to_owned(),
        fields: Fields::from_iter(fields),
        raw: None,
    };
    LogItem::Entry(Arc::new(Entry {
        sequence: number,
        record: Record::Line(line),
    }))
}

const LINES: u64 = 100_000;

/// As many as come in a batch.
const AT_ONCE: usize = 256;
