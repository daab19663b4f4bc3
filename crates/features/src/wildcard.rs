//! Patterns for names, in which `*` stands for anything.

/// Whether a name is one of those that a pattern stands for. It never goes back, so that no pattern takes
/// long: what is between two stars is best found where it is first.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match text.split_once(part) {
            Some((_, behind)) => text = behind,
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("payment_intent.*", "payment_intent.succeeded", true),
            ("payment_intent.*", "charge.succeeded", false),
            ("*.succeeded", "charge.succeeded", true),
            ("*.succeeded", "charge.succeeded.late", false),
            ("a*b*a", "aba", true),
            ("a*ba*a", "aba", false),
            ("charge", "charge", true),
            ("charge", "charge.succeeded", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
