//! Names of variables.

/// Whether a text can be the name of a variable: letters that can be seen, without `=`.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    let is_odd = |c: char| c == '=' || c.is_whitespace() || c.is_control();
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(is_odd)
}

/// Bytes of a name: longer than any that somebody types.
pub const LONGEST_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_shell_could_set_is_no_name() {
        for name in ["A", "_a9", "npm_config.x", "ÜBER"] {
            assert!(is_variable_name(name), "{name}");
        }
        let long = "A".repeat(LONGEST_NAME + 1);
        for name in ["", "A=b", "A B", "A\n", "A\0", "\u{1b}[m", long.as_str()] {
            assert!(!is_variable_name(name), "{name:?}");
        }
    }
}
