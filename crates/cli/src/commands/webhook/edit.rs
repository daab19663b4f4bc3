//! `--edit`: a request as a text that an editor can change, and back.
//!
//! ```text
//! POST /api/webhooks/stripe
//! content-type: application/json
//!
//! {"id": "evt_1"}
//! ```

use bytes::Bytes;
use features::webhooks::{Header, Request};
use thiserror::Error;

/// Writes a request as a text.
///
/// # Errors
/// [`EditError::NotText`] if it is none.
pub(super) fn written(request: &Request) -> Result<String, EditError> {
    let text = |bytes: &[u8], what| {
        let text = std::str::from_utf8(bytes).map_err(|_| EditError::NotText { what })?;
        Ok(text.to_owned())
    };
    let mut written = format!("{} {}\n", request.method, request.target);
    for header in &request.headers {
        let value = text(&header.value, "a header")?;
        if value.contains(['\n', '\r']) {
            return Err(EditError::NotText { what: "a header" });
        }
        written.push_str(&format!("{}: {value}\n", header.name));
    }
    written.push('\n');
    written.push_str(&text(&request.body, "the body")?);
    Ok(written)
}

/// Reads a request from a text that was written of `from`.
///
/// # Errors
/// [`EditError`] if it is none.
pub(super) fn read(text: &str, from: &Request) -> Result<Request, EditError> {
    let (head, body) = match text.split_once("\n\n") {
        Some(split) => split,
        None => (text.trim_end(), ""),
    };
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let (method, target) = first.split_once(' ').ok_or(EditError::FirstLine)?;
    if method.is_empty() || !target.starts_with('/') || target.contains(' ') {
        return Err(EditError::FirstLine);
    }
    let header = |line: &str| {
        let (name, value) = line.split_once(':').ok_or_else(|| EditError::Header {
            line: line.to_owned(),
        })?;
        let name = name.trim().to_ascii_lowercase();
        Ok(Header::new(name, value.trim()))
    };
    Ok(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: lines.map(header).collect::<Result<_, _>>()?,
        body: Bytes::from(same_end(body, &from.body).to_owned()),
        origin: from.origin.clone(),
    })
}

/// Takes the line feed away that editors add to a text without one.
fn same_end<'b>(body: &'b str, from: &[u8]) -> &'b str {
    match body.strip_suffix('\n') {
        Some(shorter) if !from.ends_with(b"\n") => shorter,
        _ => body,
    }
}

/// A request that cannot be edited, or is none any more. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum EditError {
    /// It is no text.
    #[error("{what} of it is no text, which an editor would break")]
    NotText {
        /// What is none.
        what: &'static str,
    },
    /// The first line is another.
    #[error("the first line is to be a method and a path: POST /api/webhooks/stripe")]
    FirstLine,
    /// A line of the head is no header.
    #[error("{line:?} is no header: those are name: value, up to the first empty line")]
    Header {
        /// The line.
        line: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use features::webhooks::Origin;

    fn request(body: &[u8]) -> Request {
        Request {
            method: "POST".to_owned(),
            target: "/hooks?a=b".to_owned(),
            headers: vec![Header::new("x-a", "1: 2"), Header::new("x-b", "")],
            body: Bytes::copy_from_slice(body),
            origin: Origin {
                scheme: "https".to_owned(),
                host: "app.example.com".to_owned(),
                client: [192, 0, 2, 1].into(),
            },
        }
    }

    #[test]
    fn what_is_not_changed_stays_byte_for_byte() {
        for body in ["", "{}", "{}\n", "\n\na\n\nb", "a\r\nb"] {
            let request = request(body.as_bytes());
            let text = written(&request).unwrap();
            assert_eq!(read(&text, &request), Ok(request.clone()), "{body:?}");
        }
        let untouched = request(b"{}");
        let saved_by_an_editor = format!("{}\n", written(&untouched).unwrap());
        assert_eq!(read(&saved_by_an_editor, &untouched), Ok(untouched));
    }

    #[test]
    fn what_was_changed_is_read() {
        let from = request(b"{}");
        let read = read("PUT /other\nX-New:  v \n\n{\"a\":1}\n", &from).unwrap();
        assert_eq!((&*read.method, &*read.target), ("PUT", "/other"));
        assert_eq!(read.headers, [Header::new("x-new", "v")]);
        assert_eq!(&*read.body, b"{\"a\":1}");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let from = request(b"{}");
        for text in ["", "\n", "POST", "POST x", "POST / HTTP/1.1", " /x"] {
            assert_eq!(read(text, &from), Err(EditError::FirstLine), "{text:?}");
        }
        let error = read("POST /\nnonsense\n\n", &from).unwrap_err();
        assert!(
            error.to_string().contains("\"nonsense\" is no header"),
            "{error}"
        );
        let binary = request(b"\xff");
        assert!(
            written(&binary)
                .unwrap_err()
                .to_string()
                .contains("the body")
        );
    }
}
