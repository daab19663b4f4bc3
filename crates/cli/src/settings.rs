//! What a command works with: flags first, then the environment and `.env`, then `tunnel.toml`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use transport::address::{DEFAULT_PORT, ServerAddress};
use transport::trust::Secret;
use zeroize::Zeroizing;

use crate::connection::CarrierName;
use crate::environment::{Environment, EnvironmentError, find_upwards};
use crate::exit::Failure;

/// Where the secret is, if not in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFile {
    /// In a file.
    At(PathBuf),
    /// On standard input.
    StandardInput,
}

/// A server to connect to.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is.
    pub address: ServerAddress,
    /// What it shares with this end.
    pub secret: Secret,
}

/// The section `[client]` of `tunnel.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClientSection {
    /// The server's address.
    pub server: Option<String>,
    /// What this end calls itself.
    pub environment: Option<String>,
    /// Which carriers may be used.
    pub carrier: Option<CarrierName>,
    /// A file of authorities that an https server is known by, from the folder of `tunnel.toml`.
    pub ca: Option<PathBuf>,
    /// The public key that an https server is known by.
    pub pin: Option<String>,
}

impl From<PathBuf> for SecretFile {
    fn from(path: PathBuf) -> Self {
        if path == Path::new("-") {
            Self::StandardInput
        } else {
            Self::At(path)
        }
    }
}

impl ClientSection {
    /// Reads the section from the `tunnel.toml` nearest to `folder`, upwards; the others are the
    /// server's.
    ///
    /// # Errors
    /// [`Failure`] if the file makes no sense.
    pub fn find(folder: &Path) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            client: ClientSection,
        }
        let Some((path, file)) = tunnel_toml::<File>(folder)? else {
            return Ok(Self::default());
        };
        let mut section = file.client;
        if let (Some(ca), Some(folder)) = (&mut section.ca, path.parent()) {
            *ca = folder.join(&ca);
        }
        Ok(section)
    }
}

/// Reads the secret from where the user says, else from `RENDER_TUNNEL_SECRET`.
///
/// # Errors
/// [`Failure`] if there is none, or it is too weak.
pub fn secret(file: Option<&SecretFile>, environment: &Environment) -> Result<Secret, Failure> {
    let read = file.map(SecretFile::read).transpose()?;
    let text = match &read {
        Some(text) => text,
        None => environment.text(SECRET)?.ok_or_else(no_secret)?,
    };
    text.parse().map_err(|error| {
        let place = file.map_or_else(|| SECRET.to_owned(), ToString::to_string);
        Failure::usage(format!("{error} ({place})")).hint(GOOD_SECRET)
    })
}

/// Returns the port to listen on: the flag's, else that of `PORT`, else 3001.
///
/// # Errors
/// [`Failure`] if `PORT` is no port.
pub fn port(flag: Option<u16>, environment: &Environment) -> Result<u16, Failure> {
    let Some(text) = environment.text("PORT")?.filter(|_| flag.is_none()) else {
        return Ok(flag.unwrap_or(DEFAULT_PORT));
    };
    text.trim().parse().map_err(|_| {
        Failure::usage(format!("PORT is {text:?}, which is no port"))
            .hint("use a number from 0 to 65535")
    })
}

impl SecretFile {
    fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        let read = match self {
            Self::At(path) => File::open(path).and_then(|file| read_short(file, &mut text)),
            Self::StandardInput => read_short(io::stdin().lock(), &mut text),
        };
        read.map_err(|error| {
            Failure::usage(format!("cannot read the secret from {self}: {error}"))
        })?;
        Ok(text)
    }
}

/// Reads into the room that there is: text that moves would leave a copy behind.
fn read_short(from: impl io::Read, text: &mut String) -> io::Result<()> {
    from.take(LONGEST as u64).read_to_string(text).map(drop)
}

impl fmt::Display for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(path) => write!(f, "{}", path.display()),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}

/// Says that there is no secret, and where one is looked for.
pub(crate) fn no_secret() -> Failure {
    Failure::usage(format!("no secret is configured: {SECRET} is not set"))
        .hint(format!("set {SECRET} in the environment or in .env, or name a file with --secret-file; it is the server's secret, and `tunnel keygen` makes a new one"))
}

/// Reads what of the `tunnel.toml` nearest to `folder`, upwards, a command wants to know; `None` where there
/// is no such file.
///
/// # Errors
/// [`Failure`] if it cannot be read, or makes no sense.
pub fn tunnel_toml<T: DeserializeOwned>(folder: &Path) -> Result<Option<(PathBuf, T)>, Failure> {
    let Some(path) = find_upwards(folder, "tunnel.toml") else {
        return Ok(None);
    };
    let shown = path.display();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    let read = toml::from_str(&text).map_err(|error| no_sense(&path, &text, &error))?;
    Ok(Some((path, read)))
}

/// Says where a file of settings makes no sense. The line itself may hold what nobody is to see.
fn no_sense(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let begin = error.span().map_or(0, |span| span.start);
    let line = text
        .bytes()
        .take(begin)
        .filter(|&byte| byte == b'\n')
        .count()
        + 1;
    let (shown, message) = (path.display(), error.message());
    Failure::usage(format!("{shown} makes no sense in line {line}: {message}"))
}

/// Variables that make no sense are the user's to correct.
impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        Self::usage(error.to_string())
    }
}

/// A secret is a line; what is longer than any is something else.
const LONGEST: usize = 64 * 1024;

/// The variable that holds the secret.
pub const SECRET: &str = "RENDER_TUNNEL_SECRET";

/// What to do about a weak secret.
pub const GOOD_SECRET: &str =
    "make a good one with `tunnel keygen`, and give the same to both ends";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    const GOOD: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

    #[test]
    fn a_file_comes_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, format!("{GOOD}\n")).unwrap();
        let environment = Environment::of(&[(SECRET, "weak")], &[]);
        let file = SecretFile::from(path);
        assert_eq!(secret(Some(&file), &environment).unwrap().expose(), GOOD);
        assert_eq!(secret(None, &environment).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn a_port_is_the_flags_then_the_environments_then_the_usual() {
        let environment = Environment::of(&[("PORT", "4000")], &[]);
        assert_eq!(port(Some(5000), &environment), Ok(5000));
        assert_eq!(port(None, &environment), Ok(4000));
        assert_eq!(port(None, &Environment::default()), Ok(3001));
        let failure = port(None, &Environment::of(&[("PORT", "http")], &[])).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
    }

    #[test]
    fn a_weak_secret_is_named_by_its_place_and_not_shown() {
        let shown = secret(None, &Environment::of(&[(SECRET, "hunter2")], &[]))
            .unwrap_err()
            .to_string();
        assert!(
            shown.contains(SECRET) && shown.contains("tunnel keygen"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_client_reads_its_own_section_and_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tunnel.toml");
        std::fs::write(
            &path,
            "[client]\nserver = 'quic://a:1'\n[sync]\nno-sanitize = ['x']\n",
        )
        .unwrap();
        let section = ClientSection::find(folder.path()).unwrap();
        assert_eq!(section.server.as_deref(), Some("quic://a:1"));
        std::fs::write(&path, "[client]\nsecret = 'x'\n").unwrap();
        assert_eq!(
            ClientSection::find(folder.path()).unwrap_err().exit(),
            Exit::Usage
        );
    }
}
