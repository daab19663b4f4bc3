//! The names that secrets stand under.

/// Says whether what stands under a name lets somebody in.
pub(super) fn is_secret(name: &str) -> bool {
    // What a name ends with is what it names: `token_count` is a count.
    let start = name.len().saturating_sub(LONGEST);
    let mut letters = [0; LONGEST];
    let mut length = 0;
    for &byte in &name.as_bytes()[start..] {
        if byte.is_ascii_alphanumeric() {
            letters[length] = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    let letters = &letters[..length];
    if matches!(name, "PWD" | "OLDPWD") {
        // The folder that a shell is in.
        return false;
    }
    let ends = ENDINGS.iter().any(|ending| letters.ends_with(ending));
    ends || last_word(name).is_some_and(|word| WORDS.contains(&word))
}

/// Says whether an object or an array under a name holds secrets, though a number does not: of a
/// model's tokens there is a count.
pub(super) fn is_group(name: &str) -> bool {
    let last = name.rsplit('.').next();
    last.is_some_and(|last| last.eq_ignore_ascii_case("tokens"))
}

/// Says whether a name may be a secret's by its last two letters, which turns away most.
pub(super) fn may_end(last: [u8; 2]) -> bool {
    let last = last.map(|byte| byte.to_ascii_lowercase());
    LAST.contains(&&last)
}

/// Returns the last word of a name that has dashes, low lines or dots between its words, in small
/// letters if it is written in them or in capitals.
fn last_word(name: &str) -> Option<&'static str> {
    let word = name.rsplit(['_', '-', '.']).next()?;
    WORDS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(word))
        .copied()
}

/// What names of secrets end with, without what parts their words.
const ENDINGS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"passphrase",
    b"pwd",
    b"secret",
    b"token",
    b"apikey",
    b"accesskey",
    b"secretkey",
    b"privatekey",
    b"signingkey",
    b"encryptionkey",
    b"masterkey",
    b"sharedkey",
    b"accountkey",
    b"servicekey",
    b"authkey",
    b"authorization",
    b"credential",
    b"credentials",
    b"cookie",
    b"sessionid",
    b"jwt",
];

/// What is a secret's name only as a whole word: a compass is none.
const WORDS: &[&str] = &["pass", "otp", "cvv", "cvc", "sid"];

/// The last two letters of all of them.
const LAST: &[&[u8; 2]] = &[
    b"rd", b"wd", b"se", b"et", b"en", b"ey", b"on", b"al", b"ls", b"ie", b"id", b"wt", b"ss",
    b"tp", b"vv", b"vc", b"ns",
];

/// Longer than the longest ending with what parts its words.
const LONGEST: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "DB_PASSWORD",
            "userPassword",
            "client_secret",
            "x-api-key",
            "apiKey",
            "accessToken",
            "Authorization",
            "req.headers.authorization",
            "set-cookie",
            "db_pass",
            "aws_secret_access_key",
            "AWS-Secret-Access-Key",
        ] {
            assert!(is_secret(name), "{name}");
            let last = name.as_bytes().last_chunk().unwrap();
            assert!(may_end(*last), "{name}");
        }
    }

    #[test]
    fn names_that_only_have_something_to_do_with_secrets_are_not() {
        for name in [
            "token_count",
            "prompt_tokens",
            "password_reset_at",
            "key",
            "bypass",
            "compass",
            "author",
            "primary_key",
            "PWD",
            "pid",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn every_ending_passes_the_quick_look() {
        let words = WORDS.iter().map(|word| word.as_bytes());
        for ending in ENDINGS.iter().copied().chain(words) {
            assert!(may_end(*ending.last_chunk().unwrap()));
            assert!(ending.len() <= LONGEST);
        }
    }
}
