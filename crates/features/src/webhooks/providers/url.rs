//! The address that a request was sent to, for those who sign it.

use crate::webhooks::Request;

/// Returns the whole address of a request: the one that is given, with what it leaves out, or the one
/// that the request itself has come to.
pub(super) fn whole(given: Option<&str>, request: &Request) -> Option<String> {
    let target = &request.target;
    let Some(given) = given else {
        let origin = &request.origin;
        return Some(format!("{}://{}{target}", origin.scheme, origin.host));
    };
    let (_, rest) = given.split_once("://")?;
    let path = rest.find(['/', '?']).map(|at| &rest[at..]);
    let query = target.find('?').map_or("", |at| &target[at..]);
    Some(match path {
        None | Some("/") => format!("{}{target}", given.trim_end_matches('/')),
        Some(path) if path.contains('?') => given.to_owned(),
        Some(_) => format!("{given}{query}"),
    })
}
