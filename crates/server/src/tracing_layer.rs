//! Lines from inside: what an app says through `tracing` goes into the ring as it is, without being
//! written and read again.
//!
//! ```text
//! event ── level, target, message, fields ─┐
//! spans ── names, fields ──────────────────┴──▶ Line ──▶ Ring
//! ```

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use features::logs::{Fields, Level, Line, Origin, Ring};
use features::wall_clock;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Returns a layer of `tracing_subscriber` that puts events into a server's ring, in the name of
/// `origin`.
///
/// An event's fields are the line's; so are those of the spans that it is in, the inner ones first.
/// `target` and `span`, the path of spans, are added. It may be filtered like any other layer. What the
/// tunnel itself says about its carrying of lines (`DEBUG` and below) is left out: each such event would
/// make another.
///
/// ```
/// use tracing_subscriber::prelude::*;
/// # fn of(server: &server::TunnelServer) {
/// let origin = server::logs::Origin::service("api");
/// let lines = server::logs_layer(server.ring(), origin);
/// let subscriber = tracing_subscriber::registry().with(lines);
/// # drop(subscriber);
/// # }
/// ```
#[must_use]
pub fn logs_layer(ring: &Arc<Ring>, origin: Origin) -> LogsLayer {
    LogsLayer {
        ring: Arc::clone(ring),
        origin,
    }
}

/// Puts events into a ring. Made by [`logs_layer`].
#[derive(Clone, Debug)]
pub struct LogsLayer {
    ring: Arc<Ring>,
    origin: Origin,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogsLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(said);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(said) = span.extensions_mut().get_mut::<Said>()
        {
            values.record(said);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if carries_lines(event.metadata()) {
            return;
        }
        // Whatever is said while a line is made or appended, on this thread, is about that line.
        let Some(_making) = Making::begin() else {
            return;
        };
        let mut said = Said::default();
        event.record(&mut said);
        let mut path = String::new();
        if let Some(scope) = context.event_scope(event) {
            let spans: Vec<_> = scope.collect();
            for span in &spans {
                said.add(span.extensions().get::<Said>());
            }
            let names: Vec<_> = spans.iter().rev().map(SpanRef::name).collect();
            path = names.join(":");
        }
        self.ring.append(self.line(event.metadata(), said, path));
    }
}

impl LogsLayer {
    fn line(&self, metadata: &Metadata<'_>, said: Said, path: String) -> Line {
        let target = said.target.as_deref().unwrap_or_else(|| metadata.target());
        let own = [("target", target.to_owned()), ("span", path)];
        let own = own.into_iter().filter(|(_, value)| !value.is_empty());
        let mut line = Line {
            time: wall_clock::nanos(),
            level: level(*metadata.level()),
            origin: self.origin.clone(),
            message: said.message,
            fields: Fields::default(),
            raw: None,
        };
        for (name, value) in own.chain(said.fields) {
            if value.len() <= LONGEST_VALUE {
                line.fields.set(name, value);
            } else {
                // As a field it would be dropped.
                line.message += &format!(" {name}={value}");
            }
        }
        line
    }
}

/// What an event or a span says.
#[derive(Debug, Default)]
struct Said {
    message: String,
    /// The target of a record of the `log` crate.
    target: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Said {
    /// Adds what a span says, but for what has been said nearer to the event.
    fn add(&mut self, span: Option<&Self>) {
        for (name, value) in span.into_iter().flat_map(|span| &span.fields) {
            if !self.fields.iter().any(|(known, _)| known == name) {
                self.fields.push((name, value.clone()));
            }
        }
    }

    fn set(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "log.target" => self.target = Some(value),
            // Where in the source a record of the `log` crate was made.
            "log.module_path" | "log.file" | "log.line" => {}
            name => match self.fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, there)) => *there = value,
                None => self.fields.push((name, value)),
            },
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let chain: Vec<_> = chain.map(ToString::to_string).collect();
        self.set(field, chain.join(": "));
    }
}

/// The making of a line on this thread.
struct Making;

impl Making {
    /// Begins, unless one is being made.
    fn begin() -> Option<Self> {
        (!MAKING.replace(true)).then_some(Self)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        MAKING.set(false);
    }
}

thread_local! {
    static MAKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether an event may come about because a line is carried to a client.
fn carries_lines(metadata: &Metadata<'_>) -> bool {
    let package = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() > tracing::Level::INFO && CARRIERS.contains(&package)
}

const fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::ERROR,
        tracing::Level::WARN => Level::WARN,
        tracing::Level::INFO => Level::INFO,
        tracing::Level::DEBUG => Level::DEBUG,
        tracing::Level::TRACE => Level::TRACE,
    }
}

/// What carries a line to a client.
const CARRIERS: [&str; 10] = [
    "features",
    "quinn",
    "quinn_proto",
    "quinn_udp",
    "rustls",
    "server",
    "tokio_tungstenite",
    "transport",
    "tungstenite",
    "wire",
];

/// What a ring keeps of a field.
const LONGEST_VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use features::logs::{Filter, LogsConfig, Most};
    use tracing::level_filters::LevelFilter;
    use tracing::{debug, error, info, info_span, trace, warn};
    use tracing_subscriber::prelude::*;

    use super::*;

    /// Returns the lines that `say` leaves in a ring, at this level and above.
    fn lines(level: LevelFilter, say: impl FnOnce()) -> Vec<Line> {
        let ring = Arc::new(Ring::new(LogsConfig::default()));
        let layer = logs_layer(&ring, Origin::new("api", "one")).with_filter(level);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        kept(&ring)
    }

    fn kept(ring: &Ring) -> Vec<Line> {
        let sieve = Filter::default().compile().unwrap();
        let most = Most {
            entries: 200,
            bytes: 1024 * 1024,
        };
        let batch = ring.read(0, &sieve, most);
        let lines = batch.entries.iter().filter_map(|entry| entry.line());
        lines.cloned().collect()
    }

    fn fields(line: &Line) -> Vec<(&str, &str)> {
        line.fields.iter().collect()
    }

    #[test]
    fn an_event_is_a_line_with_its_fields_and_those_of_its_spans() {
        let said = lines(LevelFilter::INFO, || {
            let _outer = info_span!(
                "request",
                id = 7,
                user = "outer",
                late = tracing::field::Empty
            )
            .entered();
            let inner = info_span!("query", user = "inner");
            let _inner = inner.enter();
            tracing::Span::current().record("user", "changed");
            warn!(target: "db", rows = 3_u64, slow = true, "took {} ms", 12);
        });
        let line = &said[0];
        assert_eq!((&*line.message, line.level), ("took 12 ms", Level::WARN));
        assert_eq!(line.origin, Origin::new("api", "one"));
        let expected = [
            ("target", "db"),
            ("span", "request:query"),
            ("rows", "3"),
            ("slow", "true"),
            ("user", "changed"),
            ("id", "7"),
        ];
        assert_eq!(fields(line), expected);
        assert!(line.time > 0);
    }

    #[test]
    fn it_is_filtered_like_any_layer() {
        let said = lines(LevelFilter::WARN, || {
            info!("not this");
            error!("this");
        });
        let messages: Vec<_> = said.iter().map(|line| &*line.message).collect();
        assert_eq!(messages, ["this"]);
    }

    #[test]
    fn what_is_too_long_for_a_field_is_in_the_message() {
        let long = "x".repeat(LONGEST_VALUE + 1);
        let said = lines(LevelFilter::INFO, || info!(body = long, "came"));
        assert_eq!(said[0].message, format!("came body={long}"));
    }

    #[test]
    fn what_is_said_about_the_carrying_of_lines_makes_none() {
        let said = lines(LevelFilter::TRACE, || {
            debug!(target: "quinn_proto::connection", "sent a packet");
            trace!(target: "transport::flow", "an item");
            info!(target: "server::guests", "session opened");
            debug!(target: "transported", "an app's own");
        });
        let messages: Vec<_> = said.iter().map(|line| &*line.message).collect();
        assert_eq!(messages, ["session opened", "an app's own"]);
    }

    #[test]
    fn what_a_value_says_while_it_is_written_is_not_a_line() {
        struct Talkative;
        impl fmt::Debug for Talkative {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                info!("I am being written");
                f.write_str("written")
            }
        }
        let said = lines(LevelFilter::INFO, || {
            info!(value = ?Talkative, "once");
            info!("and again");
        });
        let messages: Vec<_> = said.iter().map(|line| &*line.message).collect();
        assert_eq!(messages, ["once", "and again"]);
        assert_eq!(&said[0].fields["value"], "written");
    }

    #[test]
    fn what_the_ring_says_of_its_own_disk_is_a_line_and_not_a_deadlock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs");
        let config = LogsConfig {
            path: Some(path.clone()),
            max_bytes: 64 * 1024,
            ..LogsConfig::default()
        };
        let ring = Arc::new(Ring::open(config, &Origin::service("server"), None).unwrap());
        // The file that is open can still be written to; the next one cannot be made.
        std::fs::remove_dir_all(path).unwrap();
        let (said, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let layer = logs_layer(&ring, Origin::service("api"));
            let registry = tracing_subscriber::registry().with(layer);
            tracing::subscriber::with_default(registry, || {
                for _ in 0..100 {
                    ring.append(an_apps_line());
                }
            });
            said.send(ring).unwrap();
        });
        let ring = heard.recv_timeout(PATIENCE).expect("no deadlock");
        let lost = |line: &Line| line.message.contains("its disk fails");
        assert_eq!(kept(&ring).iter().filter(|line| lost(line)).count(), 1);
    }

    fn an_apps_line() -> Line {
        Line {
            time: 1,
            level: Level::INFO,
            origin: Origin::service("app"),
            message: "x".repeat(200),
            fields: Fields::default(),
            raw: None,
        }
    }

    /// Long enough for a slow machine: a deadlock takes for ever.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

    #[test]
    fn an_error_is_told_with_its_causes() {
        let wrong = std::io::Error::other("the disk is full");
        let said = lines(LevelFilter::INFO, || {
            error!(error = &wrong as &dyn std::error::Error, "not saved");
        });
        assert_eq!(&said[0].fields["error"], "the disk is full");
    }
}
