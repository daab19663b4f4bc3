//! What is a secret, as far as its name or what it looks like can tell: for features that keep one where it
//! is. What masks log lines has a table of its own, which is made for the speed of lines.

/// Whether what has that name is, by one of the name's words, something that nobody is to see.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_secret = |word: &str| {
        let one = word.strip_suffix('S').unwrap_or(word);
        let ends = |end: &&str| one.ends_with(*end);
        SECRET_WORDS.contains(&word) || SECRET_WORDS.contains(&one) || SECRET_ENDS.iter().any(ends)
    };
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(is_secret) || name.contains("DATABASE_URL")
}

/// Whether a value has something in it that only secrets have.
#[must_use]
pub fn is_secret_value(value: &str) -> bool {
    SECRET_VALUES.iter().any(|piece| value.contains(piece))
        || value.split("://").skip(1).any(has_password)
}

/// Whether what follows a scheme begins with a user and a password.
fn has_password(rest: &str) -> bool {
    let is_end = |c: char| c.is_whitespace() || "/?#\"'".contains(c);
    let authority = rest.split(is_end).next().unwrap_or_default();
    // A password may have an `@` that was not escaped.
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}

/// Words of which one makes a name a secret's; so do several of them.
const SECRET_WORDS: &[&str] = &["KEY", "PWD", "PASS", "PEM", "AUTH", "DSN"];

/// The same, and other words that end so: `DBPASSWORD`.
const SECRET_ENDS: &[&str] = &[
    "APIKEY",
    "ACCESSKEY",
    "PRIVATEKEY",
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
];

/// How private keys begin, and what common services begin their secrets with.
const SECRET_VALUES: &[&str] = &[
    "-----BEGIN",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "whsec_",
    "ghp_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_name_tells_a_secret_and_a_part_of_a_word_does_not() {
        for name in [
            "DB_PASS",
            "STRIPE_APIKEY",
            "TOKEN",
            "API_KEYS",
            "jwt_secret",
            "DBPASSWORD",
            "TLS_PEM_2",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["MONKEY", "COMPASS", "AUTHOR", "KEYBOARD", "LOG_LEVEL"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_a_secret_and_one_without_is_none() {
        for value in ["postgres://a:b@host/db", "see -----BEGIN KEY", "sk_live_1"] {
            assert!(is_secret_value(value), "{value}");
        }
        for value in ["https://host/a@b", "https://user@host", "me@host", "12:30"] {
            assert!(!is_secret_value(value), "{value}");
        }
    }
}
