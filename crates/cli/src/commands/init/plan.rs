//! What `tunnel init` will write, worked out before anything is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;
use transport::address::ServerAddress;
use transport::trust::Secret;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::environment::find_upwards;
use crate::exit::{Exit, Failure};
use crate::settings::{self, SECRET, SecretFile};

/// What will be written.
pub(super) struct Plan {
    /// The files, in the order in which they are written: what keeps the secret out of a repository
    /// comes before the secret.
    pub(super) additions: Vec<Addition>,
    pub(super) secret: SecretOf,
    pub(super) server: Option<String>,
    /// Another server that is named already.
    pub(super) kept_server: Option<String>,
}

/// A file, and what is added to it.
pub(super) struct Addition {
    pub(super) path: PathBuf,
    pub(super) exists: bool,
    /// Empty if nothing is added. The secret may be in it.
    pub(super) text: Zeroizing<String>,
    /// The lines as they may be shown.
    pub(super) shown: Vec<String>,
    pub(super) privacy: Privacy,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Whoever the system lets.
    Usual,
    /// Its owner alone.
    Owner,
}

/// Where the secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SecretOf {
    /// It was made just now.
    Made,
    /// It was there.
    Kept,
    /// The user gave it.
    Given,
}

impl Plan {
    /// Looks at what is there.
    pub(super) fn make(
        context: &Context,
        folder: &Path,
        server: Option<&str>,
        secret: Option<&SecretFile>,
    ) -> Result<Self, Failure> {
        let server = server.map(written).transpose()?;
        let named = context.environment.text("RENDER_EXTERNAL_URL")?;
        let same = |one: &str, other: &str| address(one).ok() == address(other).ok();
        let kept_server = named
            .filter(|named| server.as_deref().is_some_and(|it| !same(it, named)))
            .map(str::to_owned);
        let (secret, secret_of) = secret_to_add(context, secret)?;
        let env = env_file(
            folder,
            server.as_deref().filter(|_| named.is_none()),
            secret.as_ref(),
        );
        if secret.is_some() {
            refuse_if_tracked(&env.path)?;
        }
        let mut additions = Vec::new();
        additions.push(ignored(&env.path)?);
        additions.extend([env, config_file(folder)]);
        Ok(Self {
            additions,
            secret: secret_of,
            server: named.map(str::to_owned).or(server),
            kept_server,
        })
    }

    /// Returns the user's files that are to be added to.
    pub(super) fn growing(&self) -> impl Iterator<Item = &Addition> {
        self.additions
            .iter()
            .filter(|it| it.exists && !it.text.is_empty())
    }
}

impl Addition {
    pub(super) fn deed(&self) -> &'static str {
        match (self.exists, self.text.is_empty()) {
            (false, _) => "made",
            (true, false) => "added",
            (true, true) => "kept",
        }
    }
}

fn address(text: &str) -> Result<String, Failure> {
    let address: ServerAddress = text.trim().parse().map_err(|error| {
        Failure::usage(format!("{error}"))
            .hint("name the server as https://HOST, http://HOST:PORT or quic://HOST:PORT")
    })?;
    Ok(address.to_string())
}

/// Returns a server's address as it is written to `.env`: as it was typed, if a shell and everything
/// that reads the file would leave it so.
fn written(text: &str) -> Result<String, Failure> {
    let address = address(text)?;
    let text = text.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_[]".contains(c);
    Ok(match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => address,
    })
}

fn secret_to_add(
    context: &Context,
    given: Option<&SecretFile>,
) -> Result<(Option<Secret>, SecretOf), Failure> {
    let there = context.environment.has(SECRET);
    match given {
        Some(_) if there => Err(Failure::usage(format!(
            "{SECRET} is set already, and is not replaced"
        ))
        .hint("take it out where `tunnel config show` says, or leave out --secret-file")),
        Some(file) => {
            let secret = settings::secret(Some(file), &context.environment)?;
            let cannot_stand = |c: char| c == '\'' || c.is_control();
            if secret.expose().contains(cannot_stand) {
                return Err(
                    Failure::usage("a secret with a quote in it cannot stand in .env")
                        .hint("leave it in its file, and name that with --secret-file each time"),
                );
            }
            Ok((Some(secret), SecretOf::Given))
        }
        None if there => {
            // What is too weak is known before anything is written.
            settings::secret(None, &context.environment)?;
            Ok((None, SecretOf::Kept))
        }
        None => {
            let made = Secret::generate().map_err(|error| Failure::failed(error.to_string()))?;
            Ok((Some(made), SecretOf::Made))
        }
    }
}

/// The `.env` that the commands read, or a new one: another, nearer one would hide it.
fn env_file(folder: &Path, server: Option<&str>, secret: Option<&Secret>) -> Addition {
    let found = find_upwards(folder, ".env");
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    let mut shown = Vec::new();
    if let Some(server) = server {
        let line = format!("RENDER_EXTERNAL_URL={server}");
        text.push_str(&line);
        text.push('\n');
        shown.push(line);
    }
    if let Some(secret) = secret {
        // In quotes: a secret may be any text.
        for part in [SECRET, "='", secret.expose(), "'\n"] {
            text.push_str(part);
        }
        shown.push(format!("{SECRET}=(the secret)"));
    }
    Addition {
        exists: found.is_some(),
        path: found.unwrap_or_else(|| folder.join(".env")),
        privacy: match secret {
            Some(_) => Privacy::Owner,
            None => Privacy::Usual,
        },
        text,
        shown,
    }
}

/// The `tunnel.toml` that the commands read stays as it is; where there is none, one is made in which
/// everything is a comment.
fn config_file(folder: &Path) -> Addition {
    let found = find_upwards(folder, "tunnel.toml");
    let text = if found.is_some() { "" } else { TUNNEL_TOML };
    Addition {
        exists: found.is_some(),
        path: found.unwrap_or_else(|| folder.join("tunnel.toml")),
        text: Zeroizing::new(text.to_owned()),
        shown: Vec::new(),
        privacy: Privacy::Usual,
    }
}

/// The `.gitignore` beside `.env`: before there is a repository as well, for the first `git add` comes after.
fn ignored(env: &Path) -> Result<Addition, Failure> {
    let folder = env.parent().unwrap_or(env);
    let path = folder.join(".gitignore");
    let exists = path.exists();
    let present = match exists {
        true => std::fs::read_to_string(&path)
            .map_err(|error| Failure::failed(format!("cannot read {}: {error}", path.display())))?,
        false => String::new(),
    };
    let missing = ["/.env", ".tunnel/"]
        .into_iter()
        .filter(|line| !is_ignored(&present, line));
    let shown: Vec<_> = missing.map(str::to_owned).collect();
    let text: String = shown.iter().map(|line| format!("{line}\n")).collect();
    Ok(Addition {
        path,
        exists,
        text: Zeroizing::new(text),
        shown,
        privacy: Privacy::Usual,
    })
}

/// Whether a line says the same already; with or without the slashes it has the same effect here.
fn is_ignored(present: &str, wanted: &str) -> bool {
    let plain = |line: &str| line.trim().trim_matches('/').to_owned();
    let wanted = plain(wanted);
    present.lines().any(|line| plain(line) == wanted)
}

/// Refuses to put a secret into a file that the next commit would publish.
fn refuse_if_tracked(env: &Path) -> Result<(), Failure> {
    let folder = env.parent().unwrap_or(env);
    // A worktree's is a file.
    let is_git = |it: &Path| it.join(".git").is_file() || it.join(".git/HEAD").exists();
    let is_repository =
        std::path::absolute(folder).is_ok_and(|folder| folder.ancestors().any(is_git));
    if !is_repository {
        return Ok(());
    }
    let asked = Command::new("git")
        .args(["ls-files", "--error-unmatch", "--", ".env"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let path = env.display();
    match asked.map(|status| status.code()) {
        Ok(Some(NOT_TRACKED)) => Ok(()),
        Ok(Some(0)) => Err(Failure::new(
            Exit::Refused,
            format!("{path} is in the repository, and a secret does not belong there"),
        )
        .hint("take it out with `git rm --cached .env`, and run this again")),
        // A repository of somebody else's, for example: git says nothing of it, and it may be in there.
        Ok(_) | Err(_) => Err(Failure::new(
            Exit::Refused,
            format!(
                "git does not say whether {path} is in the repository, where no secret belongs"
            ),
        )
        .hint("`git ls-files --error-unmatch .env` says why; mend that, and run this again")),
    }
}

/// What git ends with for a file that it does not have.
const NOT_TRACKED: i32 = 1;

/// Two lines of .env; a secret is mostly 64 letters. Text that moves would leave a copy behind.
const ROOM: usize = 4096;

/// Everything is a comment: what is not said comes from the environment and from defaults.
const TUNNEL_TOML: &str = "\
# What the commands of `tunnel` do in this project. Flags and the environment, with .env, come first:
# `tunnel config show` says where each setting comes from. No secret belongs here, so that this file
# can be committed.

[client]
# server = \"https://app.onrender.com\"    # or RENDER_EXTERNAL_URL
# environment = \"development\"            # what this end calls itself in the server's log
# carrier = \"auto\"                       # auto, udp or websocket
# ca = \"company-ca.pem\"                  # checks an https server by these authorities instead of the system's
# pin = \"sha256/…\"                       # or by its public key; `tunnel doctor` shows it
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ClientSection;

    #[test]
    fn a_repository_of_which_git_says_nothing_gets_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let env = folder.path().join(".env");
        assert!(refuse_if_tracked(&env).is_ok());
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join(".git/HEAD"), "nonsense").unwrap();
        let refused = refuse_if_tracked(&env).unwrap_err();
        assert_eq!(refused.exit(), Exit::Refused);
    }

    #[test]
    fn the_file_that_is_made_is_one_that_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tunnel.toml");
        std::fs::write(&path, TUNNEL_TOML).unwrap();
        let section = ClientSection::find(folder.path()).unwrap();
        assert_eq!(section, ClientSection::default());
        // Without the comments' signs it has every key of the section.
        let said = TUNNEL_TOML.replace("\n# ", "\n");
        let (_, said) = said.split_once("[client]").unwrap();
        std::fs::write(&path, format!("[client]{said}")).unwrap();
        let ClientSection {
            server,
            environment,
            carrier,
            ca,
            pin,
        } = ClientSection::find(folder.path()).unwrap();
        assert!(server.is_some() && environment.is_some() && carrier.is_some());
        assert!(ca.is_some() && pin.is_some());
    }

    #[test]
    fn a_line_is_known_with_and_without_its_slashes() {
        for present in [".env", "/.env\n", "node_modules\n .env \n"] {
            assert!(is_ignored(present, "/.env"), "{present:?}");
        }
        assert!(is_ignored("/.tunnel/\n", ".tunnel/"));
        assert!(!is_ignored(".env.local\n# .env\n", "/.env"));
    }
}
