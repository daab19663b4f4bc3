//! What the name of a provider can be.

/// Whether a text can be the name of a provider. It stands in paths, and each end keeps files of this
/// name: so it is plain and short, and begins and ends with a letter or a digit.
#[must_use]
pub fn is_provider_name(text: &str) -> bool {
    let mut letters = text.bytes();
    let is_plain = letters.all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    let edges = [text.bytes().next(), text.bytes().next_back()];
    let is_edged = |edge: Option<u8>| edge.is_some_and(|it| it.is_ascii_alphanumeric());
    is_plain && text.len() <= LONGEST_PROVIDER_NAME && edges.into_iter().all(is_edged)
}

/// Longer than any provider's name, and short enough to be shown in a line.
pub const LONGEST_PROVIDER_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_no_other_folder_and_no_other_line() {
        for name in ["stripe", "standard-webhooks", "my_app.2", &"a".repeat(64)] {
            assert!(is_provider_name(name), "{name}");
        }
        let long = "a".repeat(65);
        for none in [
            "",
            ".",
            "..",
            ".ssh",
            "stripe.",
            "-stripe",
            "a/b",
            "../stripe",
            "/etc/x",
            "a\\b",
            "C:x",
            "a b",
            "a\n",
            "a\0",
            "é",
            &long,
        ] {
            assert!(!is_provider_name(none), "{none:?}");
        }
    }
}
