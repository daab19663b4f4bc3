//! A syslog message: who sends it, by its token, and the line that it becomes.
//!
//! ```text
//! TOKEN <14>1 2026-01-02T03:04:05Z host app 1 - - text        before it, as Datadog has it
//! <14>1 2026-01-02T03:04:05Z host app 1 - [TOKEN@1 a="b"] text    as Loggly has it
//! <14>1 2026-01-02T03:04:05Z host app 1 - [t key="TOKEN"] text    as a parameter
//! <14>1 2026-01-02T03:04:05Z host app 1 - - TOKEN text            before the text
//! ```
//! Render does not document where its log streams put theirs, so that each of these is taken.

use memchr::memmem;

use crate::logs::entry::{Line, Origin};
use crate::logs::parse;
use crate::logs::sources::key::IngestKey;
use crate::logs::sources::made;

/// Takes the token out of a message; whether it was there.
pub(super) fn take_token(message: &mut Vec<u8>, token: &IngestKey) -> bool {
    let candidates = candidates(message);
    let found = candidates
        .into_iter()
        .find(|range| token.is(&message[range.clone()]));
    let Some(range) = found else {
        return false;
    };
    let shown = message[range.clone()].to_vec();
    let before = range.start == 0 || message[range.start - 1] == b' ';
    let space = before && message.get(range.end) == Some(&b' ');
    // As an id or a value it stands between others: something has to.
    let stands_in: &[u8] = if space { b"" } else { STANDS_IN };
    let end = range.end + usize::from(space);
    message.splice(range.start..end, stands_in.iter().copied());
    // It is there again where a sender puts nothing between two messages.
    while let Some(at) = memmem::find(message, &shown) {
        message.splice(at..at + shown.len(), STANDS_IN.iter().copied());
    }
    true
}

/// Returns where a token may stand.
fn candidates(message: &[u8]) -> Vec<std::ops::Range<usize>> {
    let head = message.len().min(HEAD);
    let is_end = |byte: &u8| b" []\"@".contains(byte);
    let mut found = Vec::new();
    let mut start = 0;
    while start < head && found.len() < MOST_CANDIDATES {
        let length = message[start..].iter().position(is_end);
        let end = length.map_or(message.len(), |length| start + length);
        if end - start >= SHORTEST {
            found.push(start..end);
        }
        start = end + 1;
    }
    found
}

/// Makes a line of a message.
pub(super) fn line(mut message: Vec<u8>, now: u64) -> Line {
    strip(&mut message);
    let mut line = parse::line(message, &Origin::service("syslog"), now).line;
    let host = line.fields.get("host").unwrap_or_default().to_owned();
    // Render says the instance where others say the program, and says it twice.
    let render = line.fields.get("id") == Some(&*line.origin.service);
    line.origin = if render {
        made::origin(&host, &line.origin.service, &line.origin)
    } else {
        made::origin(&line.origin.service, &host, &line.origin)
    };
    line.fields
        .retain(|name, _| name != "host" && !(render && name == "id"));
    line
}

/// Takes off the mark that says that the text is UTF-8, and what ends the line.
fn strip(message: &mut Vec<u8>) {
    let end = message.trim_ascii_end().len();
    message.truncate(end);
    let head = &message[..message.len().min(HEAD)];
    if let Some(at) = memmem::find(head, b" \xef\xbb\xbf") {
        message.drain(at + 1..at + 4);
    }
}

/// Where a token was.
const STANDS_IN: &[u8] = b"token";

/// Where names and structured data end, and the text begins.
const HEAD: usize = 2048;

/// As short as a token may be.
const SHORTEST: usize = 16;

/// Each costs a microsecond.
const MOST_CANDIDATES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123";

    #[test]
    fn a_token_is_found_wherever_senders_put_it_and_not_kept() {
        let token = IngestKey::new(TOKEN).unwrap();
        let header = "<14>1 2026-01-02T03:04:05Z host app 1 -";
        for message in [
            format!("{TOKEN} {header} - text"),
            format!("{header} [{TOKEN}@41058 tag=\"a\"] text"),
            format!("{header} [t key=\"{TOKEN}\"] text"),
            format!("{header} - {TOKEN} text"),
        ] {
            let mut bytes = message.clone().into_bytes();
            assert!(take_token(&mut bytes, &token), "{message}");
            let line = line(bytes, 7);
            assert_eq!(
                (&*line.origin.service, &*line.message),
                ("app", "text"),
                "{message}"
            );
            assert!(
                !String::from_utf8_lossy(line.raw()).contains(TOKEN),
                "{message}"
            );
        }
        for message in [header.to_owned(), format!("{header} - {}", &TOKEN[1..])] {
            assert!(!take_token(&mut message.into_bytes(), &token));
        }
    }

    #[test]
    fn a_token_is_kept_nowhere_in_a_message_that_shows_it_again() {
        let token = IngestKey::new(TOKEN).unwrap();
        let mut message = format!("<14>1 - h a - - - {TOKEN} one<14>1 - h a - - - {TOKEN} two");
        message.push_str(TOKEN);
        let mut bytes = message.into_bytes();
        assert!(take_token(&mut bytes, &token));
        let left = String::from_utf8(bytes).unwrap();
        assert_eq!(
            left,
            "<14>1 - h a - - - one<14>1 - h a - - - token twotoken"
        );
    }

    #[test]
    fn a_message_says_who_writes_how_grave_it_is_and_what_else_it_says() {
        let text =
            "<11>1 2026-01-02T03:04:05.678Z web-1 shop 77 ID1 [x@1 path=\"/a\"] \u{feff}it broke";
        let line = line(text.as_bytes().to_vec(), 7);
        assert_eq!(
            (&*line.origin.service, &*line.origin.instance),
            ("shop", "web-1")
        );
        assert_eq!((line.level.name(), &*line.message), ("error", "it broke"));
        assert_eq!((&line.fields["path"], &line.fields["pid"]), ("/a", "77"));
        assert_eq!(line.time, 1_767_323_045_678_000_000);
    }

    #[test]
    fn a_line_of_a_stream_of_renders_names_service_and_instance() {
        let text =
            b"<0>1 2021-03-31T16:00:00-08:00 test-service cron-12345 74440 cron-12345 - hello";
        let line = line(text.to_vec(), 7);
        assert_eq!(
            (&*line.origin.service, &*line.origin.instance),
            ("test-service", "cron-12345")
        );
        assert_eq!((line.level.name(), &*line.message), ("fatal", "hello"));
        assert_eq!(line.fields.get("id"), None);
    }

    #[test]
    fn the_older_form_is_read_and_what_is_none_is_a_line() {
        let old = line(
            b"<34>Oct 11 22:14:15 mymachine su[5]: 'su root' failed".to_vec(),
            1_800_000_000_000_000_000,
        );
        assert_eq!(
            (&*old.origin.service, &*old.origin.instance),
            ("su", "mymachine")
        );
        assert_eq!(old.level.name(), "fatal");
        let none = line(b"nothing of the kind\r".to_vec(), 7);
        assert_eq!(
            (&*none.origin.service, &*none.message),
            ("syslog", "nothing of the kind")
        );
    }
}
