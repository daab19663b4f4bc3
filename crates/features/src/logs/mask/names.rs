//! The names that secrets stand under.

/// Says whether what stands under a name lets somebody in.
pub(super) fn is_secret(name: &str) -> bool {
    if matches!(name, "PWD" | "OLDPWD") {
        // The folder that a shell is in.
        return false;
    }
    // `DB_PASSWORD_2` and `JWT_SECRET_V2_PROD` name what `DB_PASSWORD` and `JWT_SECRET` do.
    let name = without_suffixes(name);
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
    let ends = ENDINGS.iter().any(|ending| letters.ends_with(ending));
    ends || last_word(name).is_some() || is_key_of_environment(name)
}

/// Takes off what tells one secret from another of the same kind: a number, or where it is for.
fn without_suffixes(name: &str) -> &str {
    let mut rest = name;
    for _ in 0..MOST_SUFFIXES {
        let digits = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        let version = digits.strip_suffix(['v', 'V']);
        let version = version.filter(|before| digits.len() < rest.len() && before.ends_with(PARTS));
        rest = version.unwrap_or(digits).trim_end_matches(PARTS);
        let Some((before, word)) = rest.rsplit_once(PARTS) else {
            break;
        };
        if SUFFIXES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word))
        {
            rest = before;
        }
    }
    rest
}

/// Says whether a name is that of a key in the environment, which is a provider's more often than
/// not: `STRIPE_KEY`.
fn is_key_of_environment(name: &str) -> bool {
    let Some(of) = name.strip_suffix("_KEY") else {
        return false;
    };
    let last = of.rsplit('_').next().unwrap_or_default();
    !last.is_empty()
        && of.bytes().all(|byte| !byte.is_ascii_lowercase())
        && !NO_SECRET_KEYS.contains(&last)
}

/// Says whether an object or an array under a name holds secrets, though a number does not: of a
/// model's tokens there is a count.
pub(super) fn is_group(name: &str) -> bool {
    let last = name.rsplit('.').next();
    last.is_some_and(|last| last.eq_ignore_ascii_case("tokens"))
}

/// Says whether a name may be a secret's by its last two letters, which turns away most; a number
/// may be behind any.
pub(super) fn may_end(last: [u8; 2]) -> bool {
    let last = last.map(|byte| byte.to_ascii_lowercase());
    last[1].is_ascii_digit() || LAST.contains(&&last)
}

/// Returns the last word of a name that has dashes, low lines or dots between its words, in small
/// letters if it is written in them or in capitals.
fn last_word(name: &str) -> Option<&'static str> {
    let word = name.rsplit(PARTS).next()?;
    WORDS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(word))
        .copied()
}

/// What names of secrets end with, without what parts their words.
const ENDINGS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"passwords",
    b"passwordconfirmation",
    b"passwordconfirm",
    b"passphrase",
    b"passcode",
    b"pwd",
    b"secret",
    b"secrets",
    b"token",
    b"apikey",
    b"apikeys",
    b"appkey",
    b"sessionkey",
    b"hmackey",
    b"stripekey",
    b"bindpw",
    b"sharedaccesssignature",
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
const WORDS: &[&str] = &["pass", "pw", "otp", "cvv", "cvc", "sid"];

/// What parts the words of a name.
const PARTS: [char; 3] = ['_', '-', '.'];

/// What may stand behind the name of a secret and leave it one.
const SUFFIXES: &[&str] = &[
    "prod",
    "production",
    "staging",
    "stage",
    "dev",
    "development",
    "test",
    "live",
    "old",
    "new",
    "current",
    "previous",
];

/// `JWT_SECRET_V2_PROD_2024` has three, few have more.
const MOST_SUFFIXES: usize = 4;

/// Keys that let nobody in.
const NO_SECRET_KEYS: &[&str] = &[
    "PRIMARY",
    "FOREIGN",
    "PUBLIC",
    "PARTITION",
    "SORT",
    "CACHE",
    "UNIQUE",
    "IDEMPOTENCY",
    "ROUTING",
    "DUPLICATE",
    "HOST",
    "REGISTRY",
    "LOCK",
    "GROUP",
];

/// The last two letters of all of them.
const LAST: &[&[u8; 2]] = &[
    b"rd", b"wd", b"se", b"et", b"en", b"ey", b"on", b"al", b"ls", b"ie", b"id", b"wt", b"ss",
    b"tp", b"vv", b"vc", b"ns", b"ds", b"ts", b"ys", b"rm", b"de", b"pw", b"re", b"od", b"ng",
    b"ge", b"ev", b"nt", b"st", b"ve", b"ld", b"ew", b"us",
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
            "password_confirmation",
            "passwordConfirmation",
            "passwords",
            "SESSION_KEY",
            "APP_KEY",
            "HMAC_KEY",
            "STRIPE_KEY",
            "PASSWORD1",
            "DB_PASSWORD2",
            "JWT_SECRET_V2",
            "DATABASE_PASSWORD_PROD",
            "ENCRYPTION_KEY_2024",
            "STRIPE_KEY_V2_PROD_2024",
            "passcode",
            "BIND_PW",
            "SharedAccessSignature",
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
            "PRIMARY_KEY",
            "CACHE_KEY",
            "12",
            "_v2",
            "v",
            "__",
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
        let suffixes = SUFFIXES.iter().map(|word| word.as_bytes());
        for ending in ENDINGS.iter().copied().chain(words).chain(suffixes) {
            assert!(may_end(*ending.last_chunk().unwrap()));
            assert!(ending.len() <= LONGEST);
        }
    }
}
