//! Serilog's templates: `User {Name} has {Count:00} items`, with the values beside them.

use crate::logs::entry::MAX_LINE;
use crate::logs::fields::Fields;

/// Writes the values into a template. A name without a value stays as it is.
pub(super) fn render(template: &str, fields: &Fields) -> String {
    let mut rendered = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        if rendered.len() > MAX_LINE {
            // A name may stand there as often as there is room: what it gives is bounded too.
            return rendered;
        }
        let (before, hole) = rest.split_at(at);
        rendered.push_str(before);
        rest = if hole.starts_with("{{") || hole.starts_with("}}") {
            rendered.push_str(&hole[..1]);
            &hole[2..]
        } else {
            fill(hole, fields, &mut rendered)
        };
    }
    rendered.push_str(rest);
    rendered
}

/// Writes what belongs into the hole that the text begins with, and returns what follows it.
fn fill<'t>(text: &'t str, fields: &Fields, rendered: &mut String) -> &'t str {
    let end = text.find('}').map_or(text.len(), |end| end + 1);
    let (hole, rest) = text.split_at(end);
    let name = hole.trim_matches(['{', '}']);
    // `@` and `$` say how a value is written, what follows `,` or `:` how wide.
    let name = name.trim_start_matches(['@', '$']);
    let name = name.split([',', ':']).next().unwrap_or(name);
    match fields.get(name) {
        Some(value) => rendered.push_str(value),
        None => rendered.push_str(hole),
    }
    rest
}
