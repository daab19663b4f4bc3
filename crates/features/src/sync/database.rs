//! The address of a database, parsed once.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

/// The address of a database: `postgres://…`, `postgresql://…`, `sqlite://PATH` or `sqlite:PATH`.
///
/// Neither `Debug` nor `Display` shows a password.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a program has one or two")]
pub enum DatabaseUrl {
    /// A PostgreSQL database.
    Postgres(PgConnectOptions),
    /// A SQLite file.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Whether the database is on this machine: a loopback name or address, a unix socket, a file.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(options) => {
                options.get_socket().is_some() || is_loopback(options.get_host())
            }
        }
    }
}

/// Says what to call the database on a screen: `postgres app on localhost:5432`, `.tunnel/demo.db`.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(options) => {
                // libpq's rule: a database that is not named has the user's name.
                let database = options
                    .get_database()
                    .unwrap_or_else(|| options.get_username());
                let port = options.get_port();
                match options.get_socket() {
                    Some(folder) => write!(f, "postgres {database} on {}:{port}", folder.display()),
                    None => write!(f, "postgres {database} on {}:{port}", options.get_host()),
                }
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(DatabaseUrlError::NoScheme);
        };
        // SQLAlchemy names a driver as well, which is no matter here: `postgresql+psycopg2`.
        let kind = scheme.split_once('+').map_or(scheme, |(kind, _)| kind);
        match kind {
            "sqlite" if kind == scheme => sqlite(rest),
            "postgres" | "postgresql" => postgres(&format!("{kind}:{rest}")),
            _ if is_scheme(scheme) => Err(DatabaseUrlError::Scheme(scheme.to_owned())),
            _ => Err(DatabaseUrlError::NoScheme),
        }
    }
}

/// Reads what follows `sqlite:`. The path is taken as it is written, without percent signs decoded;
/// parameters behind a `?` (other libraries' `mode` and `cache`) change nothing here.
fn sqlite(rest: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    match path {
        "" => Err(DatabaseUrlError::NoPath),
        ":memory:" => Err(DatabaseUrlError::Memory),
        _ => Ok(DatabaseUrl::Sqlite(path.into())),
    }
}

fn postgres(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    // The library's own error may show a piece of the URL.
    let options: PgConnectOptions = text.parse().map_err(|_| DatabaseUrlError::Postgres)?;
    Ok(DatabaseUrl::Postgres(options))
}

/// Whether a text is written as schemes are (RFC 3986, section 3.1); another may be a password.
fn is_scheme(text: &str) -> bool {
    text.len() <= LONGEST_SCHEME
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it))
}

fn is_loopback(host: &str) -> bool {
    // A folder is a unix socket's; an address of version 6 stands in brackets in a URL.
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Why a text is not the address of a database. Holds nothing of the text but its scheme, because
/// the rest may be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DatabaseUrlError {
    /// There is no `scheme:` in front.
    #[error("a database's URL begins with postgres:// or sqlite://")]
    NoScheme,
    /// The scheme is another.
    #[error("\"{0}:\" is not a kind of database that can be synced: use postgres:// or sqlite://")]
    Scheme(String),
    /// A SQLite URL without a file.
    #[error("the SQLite URL names no file: write sqlite://PATH")]
    NoPath,
    /// A database in memory.
    #[error("a SQLite database in memory cannot be shared: write sqlite://PATH")]
    Memory,
    /// A PostgreSQL URL that cannot be read.
    #[error(
        "the PostgreSQL URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with the signs :/?#[]@ in a password as %XX"
    )]
    Postgres,
}

/// Longer than any scheme that is in use.
const LONGEST_SCHEME: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn the_name_on_screen_and_debug_show_no_password() {
        let url = parsed("postgres://app:s3cr3t%40x@db.example.com:6543/shop?sslmode=require");
        assert_eq!(url.to_string(), "postgres shop on db.example.com:6543");
        assert!(!format!("{url:?}").contains("s3cr3t"));
        assert_eq!(
            parsed("postgresql://app@localhost").to_string(),
            "postgres app on localhost:5432"
        );
    }

    #[test]
    fn a_driver_in_the_scheme_changes_nothing() {
        let url = parsed("postgresql+psycopg2://app:s3cr3t@db/shop");
        assert_eq!(url.to_string(), "postgres shop on db:5432");
        for (text, error) in [
            (
                "mongodb+srv://u:p@h/d",
                DatabaseUrlError::Scheme("mongodb+srv".to_owned()),
            ),
            ("p@ss word:x", DatabaseUrlError::NoScheme),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap_err(), error);
        }
    }

    #[test]
    fn a_sqlite_path_is_taken_as_it_is_written() {
        for (text, path) in [
            ("sqlite://.tunnel/demo.db", ".tunnel/demo.db"),
            ("sqlite:///var/lib/a b%20.db?mode=ro", "/var/lib/a b%20.db"),
            ("sqlite:shop.db", "shop.db"),
        ] {
            assert_eq!(parsed(text).to_string(), path);
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        for text in [
            "sqlite://x.db",
            "postgres://u@LOCALHOST/d",
            "postgres://u@127.1.2.3/d",
            "postgres://u@[::1]:5433/d",
            "postgres://u@[::ffff:127.0.0.1]/d",
            "postgres://u@%2Frun%2Fpostgresql/d",
            "postgres:///d?host=/run/postgresql&user=u",
        ] {
            assert!(parsed(text).is_local(), "{text}");
        }
        for text in [
            "postgres://u@db.example.com/d",
            "postgres://u@10.0.0.1/d",
            "postgres://u@localhost.example.com/d",
            "postgres://u@[2001:db8::1]/d",
            "postgres://u@localhost/d?host=db.example.com",
        ] {
            assert!(!parsed(text).is_local(), "{text}");
        }
    }

    #[test]
    fn what_is_no_database_url_is_refused_without_repeating_it() {
        use DatabaseUrlError::{Memory, NoPath, NoScheme, Postgres, Scheme};
        for (text, error) in [
            ("", NoScheme),
            ("shop.db", NoScheme),
            ("mysql://root:s3cr3t@h/d", Scheme("mysql".into())),
            ("sqlite://", NoPath),
            ("sqlite:?mode=ro", NoPath),
            ("sqlite::memory:", Memory),
            ("postgres://u:s3cr3t@h:notaport/d", Postgres),
            ("postgres://u:s3cr3t@h/d?sslmode=perhaps", Postgres),
        ] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(refused, error, "{text}");
            assert!(!refused.to_string().contains("s3cr3t"));
        }
    }
}
