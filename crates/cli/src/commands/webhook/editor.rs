//! The user's editor, and the file that it is given.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use features::webhooks::{DeliveryId, Request};

use super::edit::{read, written};
use crate::context::Context;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::folder::write_private;
use crate::laptop::Laptop;

/// Refuses to edit where there is nobody to do it: without a terminal, and without an editor that may
/// need none.
///
/// # Errors
/// [`Failure`] if so.
pub(super) fn check(environment: &Environment) -> Result<(), Failure> {
    let named = environment.has("VISUAL") || environment.has("EDITOR");
    if named || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("--edit needs a terminal")
        .hint("or set EDITOR to a program that needs none"))
}

/// Lets the user change a request.
///
/// # Errors
/// [`Failure`] if it is no text, there is no editor, or what was written is no request.
pub(super) async fn edit(
    context: &Context,
    laptop: &Laptop,
    id: DeliveryId,
    request: &Request,
) -> Result<Request, Failure> {
    let text = written(request).map_err(|error| {
        Failure::failed(format!("{id} cannot be edited: {error}"))
            .hint("`tunnel webhook show ID --save FILE` writes it to a file")
    })?;
    let path = laptop.file(&format!("{id}.edit.txt"))?;
    let cannot =
        |error: io::Error| Failure::failed(format!("cannot edit {}: {error}", path.display()));
    write_private(&path, &text).map_err(cannot)?;
    let edited = open(&context.environment, &path).await;
    let text = fs::read_to_string(&path).map_err(cannot);
    // It may hold personal data of production's.
    fs::remove_file(&path).ok();
    edited?;
    let text = text?;
    if text.trim().is_empty() {
        return Err(Failure::failed(
            "nothing was sent, because the text is empty",
        ));
    }
    read(&text, request)
        .map_err(|error| Failure::usage(format!("what was written is no request: {error}")))
}

/// Opens the editor and waits until it is closed.
async fn open(environment: &Environment, path: &Path) -> Result<(), Failure> {
    let editor = match environment.text("VISUAL")? {
        Some(editor) => editor,
        None => environment.text("EDITOR")?.unwrap_or("vi"),
    };
    let failed = |why: String| {
        Failure::failed(format!("the editor {editor:?} failed: {why}"))
            .hint("set VISUAL or EDITOR to one that waits, such as `code --wait`")
    };
    // By a shell, because it may have arguments and quotes: the file's name is no part of the script.
    let status = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$@\""))
        .arg("sh")
        .arg(path)
        .status()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}
