//! The names under which loggers write the parts of a line.

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// When it was written.
    Time,
    /// How grave it is.
    Level,
    /// How grave it is, as OpenTelemetry counts.
    Severity,
    /// Who wrote it.
    Service,
    /// What it says.
    Message,
    /// What it says, if nothing says more.
    Substitute,
    /// What it says, with the names of fields in braces.
    Template,
    /// Where it went wrong: lines that belong below the message.
    Stack,
    /// What some nest all fields in: its name says nothing.
    Wrapper,
    /// Anything else.
    Field,
}

/// Returns what a name stands for; names of nested values have dots in them.
pub(super) fn part(name: &str) -> Part {
    match name {
        "level" | "severity" | "lvl" | "@l" | "log.level" | "levelname" | "loglevel"
        | "log_level" | "Level" | "PRIORITY" | "severityText" | "severity_text" => Part::Level,
        "severityNumber" | "severity_number" => Part::Severity,
        "msg" | "message" | "@m" | "MESSAGE" | "textPayload" | "short_message" | "Message" => {
            Part::Message
        }
        "time"
        | "timestamp"
        | "ts"
        | "@timestamp"
        | "@t"
        | "__REALTIME_TIMESTAMP"
        | "asctime"
        | "Timestamp"
        | "datetime"
        | "timeUnixNano" => Part::Time,
        "service" | "service.name" | "SYSLOG_IDENTIFIER" => Part::Service,
        "event" | "body" | "log" | "error" | "err" | "err.message" | "error.message" => {
            Part::Substitute
        }
        "@mt" | "MessageTemplate" => Part::Template,
        "@x"
        | "stack"
        | "stack_trace"
        | "stacktrace"
        | "exception"
        | "Exception"
        | "exc_info"
        | "traceback"
        | "err.stack"
        | "error.stack"
        | "error.stack_trace"
        | "exception.stacktrace" => Part::Stack,
        "fields" | "jsonPayload" | "Properties" => Part::Wrapper,
        _ => Part::Field,
    }
}
