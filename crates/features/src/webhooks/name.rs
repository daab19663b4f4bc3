//! What the name of a provider can be.

/// Whether a text can be the name of a provider. It stands in paths, and each end keeps files of this
/// name: so it is plain, short, and no folder's.
#[must_use]
pub fn is_provider_name(text: &str) -> bool {
    let mut letters = text.bytes();
    let is_plain = letters.all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    is_plain && (1..=LONGEST_PROVIDER_NAME).contains(&text.len()) && !text.starts_with('.')
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
