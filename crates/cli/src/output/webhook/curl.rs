//! A request as a command of curl's that can be pasted into a shell as it is.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use features::webhooks::{Header, Request};

use super::super::text::is_unsafe;

/// Writes a request as curl sends it to a URL.
///
/// Whatever a provider has sent stands between single quotes, in which a shell acts upon nothing; what
/// would not be seen there for what it is, is written in base64.
#[must_use]
pub fn curl(request: &Request, url: &str) -> String {
    let mut command = String::new();
    let sent = |header: &&Header| !OWN.contains(&&*header.name);
    for header in request.headers.iter().filter(sent) {
        if text_of(&header.value).is_none() {
            let name = header.name.escape_default();
            writeln!(command, "# {name} is left out: its value is no text").ok();
        }
    }
    let body = text_of(&request.body);
    if body.is_none() {
        let base64 = STANDARD.encode(&request.body);
        write!(command, "printf %s '{base64}' | base64 -d | ").ok();
    }
    let (method, url) = (quoted(&request.method), quoted(&encoded(url)));
    write!(command, "curl -sS --globoff --path-as-is -X {method} {url}").ok();
    for header in request.headers.iter().filter(sent) {
        if let Some(value) = text_of(&header.value) {
            let line = match value {
                // So curl is told that there is nothing behind the name.
                "" => format!("{};", header.name),
                _ => format!("{}: {value}", header.name),
            };
            write!(command, " \\\n  -H {}", quoted(&line)).ok();
        }
    }
    for name in ["accept", "content-type", "user-agent"] {
        if !request.headers.iter().any(|header| header.name == name) {
            // Curl would add one of its own.
            write!(command, " \\\n  -H {}", quoted(&format!("{name}:"))).ok();
        }
    }
    match body {
        Some(text) => writeln!(command, " \\\n  --data-raw {}", quoted(text)).ok(),
        None => writeln!(command, " \\\n  --data-binary @-").ok(),
    };
    command
}

/// Returns bytes as text, if nothing is in it that is not seen, or that a terminal acts upon when it is
/// pasted.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let hidden = |c: char| c != '\n' && is_unsafe(c);
    (!text.contains(hidden)).then_some(text)
}

/// Percent-encodes what in a URL is not seen, or acted upon by a terminal. No URL has such characters;
/// a path that came with their bytes is decoded to the same ones.
fn encoded(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for character in url.chars() {
        if is_unsafe(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // A `String` takes every write.
                write!(encoded, "%{byte:02X}").ok();
            }
        } else {
            encoded.push(character);
        }
    }
    encoded
}

/// Puts a text between single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What curl works out itself, and what was between two hops.
const OWN: [&str; 10] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use bytes::Bytes;
    use features::webhooks::Origin;

    use super::*;

    fn request(headers: &[(&str, &[u8])], body: &[u8]) -> Request {
        Request {
            method: "POST".to_owned(),
            target: "/hooks".to_owned(),
            headers: headers
                .iter()
                .map(|&(name, value)| Header::new(name, value))
                .collect(),
            body: Bytes::copy_from_slice(body),
            origin: Origin {
                scheme: "https".to_owned(),
                host: "app.example.com".to_owned(),
                client: [192, 0, 2, 1].into(),
            },
        }
    }

    const URL: &str = "http://localhost:3000/hooks?a=[1]";

    #[test]
    fn a_request_is_one_command() {
        let sent = request(
            &[
                ("host", b"app.example.com"),
                ("content-type", b"application/json"),
                ("x-empty", b""),
                ("x-odd", b"\xff"),
                ("content-length", b"11"),
            ],
            b"{\"it\":\"'s\"}",
        );
        assert_eq!(
            curl(&sent, URL),
            "# x-odd is left out: its value is no text\n\
             curl -sS --globoff --path-as-is -X 'POST' 'http://localhost:3000/hooks?a=[1]' \\\n  \
             -H 'content-type: application/json' \\\n  -H 'x-empty;' \\\n  -H 'accept:' \\\n  \
             -H 'user-agent:' \\\n  --data-raw '{\"it\":\"'\\''s\"}'\n"
        );
    }

    /// Lets a real shell read the command, with something in curl's place that prints what it is given.
    #[cfg(unix)]
    fn as_a_shell_reads_it(command: &str) -> Vec<u8> {
        let script = format!(
            "curl() {{ for given; do printf '<%s>' \"$given\"; done; \
             case \"$*\" in *@-) cat;; esac; }}\n{command}"
        );
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        output.stdout
    }

    #[cfg(unix)]
    #[test]
    fn nothing_of_a_provider_reaches_the_shell() {
        for body in [
            "'; touch hacked; '",
            "$(touch hacked) `touch hacked` ${HOME} \\' \" !! \\",
            "@/etc/passwd",
            "one\ntwo'\n# three",
        ] {
            let sent = request(
                &[("x-it", body.replace('\n', " ").as_bytes())],
                body.as_bytes(),
            );
            let given = as_a_shell_reads_it(&curl(&sent, URL));
            let given = String::from_utf8(given).unwrap();
            assert!(given.ends_with(&format!("<--data-raw><{body}>")), "{given}");
            let header = format!("<-H><x-it: {}>", body.replace('\n', " "));
            assert!(given.contains(&header), "{given}");
        }
    }

    #[test]
    fn nothing_in_a_url_is_hidden() {
        let url = "http://localhost:3000/a\u{202e}b\u{9b}2J\n?é=[1]";
        let command = curl(&request(&[], b""), url);
        let shown = "'http://localhost:3000/a%E2%80%AEb%C2%9B2J%0A?é=[1]'";
        assert!(command.contains(shown), "{command}");
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_seen_arrives_byte_for_byte() {
        for body in [
            &b"\x00\x01\xff"[..],
            b"a\tb",
            "a\u{202e}b".as_bytes(),
            b"\x1b[2J",
        ] {
            let command = curl(&request(&[], body), URL);
            assert!(command.is_ascii() && !command.contains('\x1b'), "{command}");
            let given = as_a_shell_reads_it(&command);
            assert!(given.ends_with(&[b"<@->", body].concat()), "{given:?}");
        }
    }
}
