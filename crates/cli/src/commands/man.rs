//! `tunnel man`: the manual's pages of both programs, made of what `--help` says.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;

/// Writes the manual's pages of tunnel and tunnel-server into a folder
///
/// There is one for each command: `man tunnel-sync`. Pages that are there are written anew.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel man ~/.local/share/man/man1 && man tunnel
  tunnel man . && man -l ./tunnel-sync.1

The paths of the pages go to standard output; with --json as a list of objects with path.")]
pub struct Arguments {
    /// The folder, which is made if it is not there; `man` looks into those that are named man1
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// A page of the manual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its file's name: `tunnel-sync.1`.
    pub name: String,
    /// What `man` reads.
    pub roff: Vec<u8>,
}

/// Writes the pages.
///
/// # Errors
/// [`Failure`] if one cannot be written.
pub fn run(context: &Context, Arguments { folder }: &Arguments) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Written {
        path: PathBuf,
    }
    let cannot = |path: &Path, error: &io::Error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
            .hint("name a folder that you may write to, such as ~/.local/share/man/man1")
    };
    fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    let mut written = Vec::new();
    for page in pages()? {
        let path = folder.join(&page.name);
        fs::write(&path, &page.roff).map_err(|error| cannot(&path, &error))?;
        written.push(Written { path });
    }
    match context.screen.format() {
        Format::Json => context.screen.json(&written),
        Format::Human => {
            let line = |page: &Written| format!("{}\n", page.path.display());
            let lines: String = written.iter().map(line).collect();
            context.screen.data(&lines)
        }
    }
}

/// Makes the pages of both programs and all their commands.
///
/// # Errors
/// Only if memory refused to be written to.
pub fn pages() -> io::Result<Vec<Page>> {
    let mut pages = Vec::new();
    for program in [
        crate::tunnel::Arguments::command(),
        crate::tunnel_server::command(),
    ] {
        let mut program = program.disable_help_subcommand(true);
        // Gives each command its whole name.
        program.build();
        add(&program, &mut pages)?;
    }
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command)?);
    let shown = |command: &&Command| !command.is_hide_set();
    command
        .get_subcommands()
        .filter(shown)
        .try_for_each(|command| add(command, pages))
}

fn page(command: &Command) -> io::Result<Page> {
    let source = concat!("render-tunnel ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source);
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut roff)?;
    }
    if let Some(text) = command.get_after_help() {
        write_notes(&text.to_string(), &mut roff)?;
    }
    Ok(Page {
        name: man.get_filename(),
        roff,
    })
}

/// Writes what stands below a help, line for line: examples are to be copied, and lists to be read.
fn write_notes(text: &str, roff: &mut impl Write) -> io::Result<()> {
    let (examples, notes) = match text.strip_prefix("Examples:\n") {
        Some(rest) => rest.split_once("\n\n").unwrap_or((rest, "")),
        None => ("", text),
    };
    for (heading, text) in [("EXAMPLES", examples), ("NOTES", notes)] {
        if !text.trim().is_empty() {
            writeln!(roff, ".SH {heading}\n.nf")?;
            text.lines()
                .try_for_each(|line| writeln!(roff, "{}", verbatim(line)))?;
            writeln!(roff, ".fi")?;
        }
    }
    Ok(())
}

/// Writes a line so that nothing in it is an instruction.
fn verbatim(line: &str) -> String {
    let plain = line.replace('\\', "\\e").replace('-', "\\-");
    let plain = plain.replace('\'', "\\(aq").replace('`', "\\(ga");
    // At a line's beginning a dot is a request.
    format!("\\&{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the sections of a page, each with its lines.
    fn sections(page: &Page) -> Vec<(String, Vec<String>)> {
        let text = String::from_utf8(page.roff.clone()).unwrap();
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        for line in text.lines() {
            match line.strip_prefix(".SH ") {
                Some(name) => sections.push((name.trim_matches('"').to_owned(), Vec::new())),
                None => {
                    if let Some((_, lines)) = sections.last_mut() {
                        lines.push(line.to_owned());
                    }
                }
            }
        }
        sections
    }

    #[test]
    fn every_command_of_both_programs_has_a_page_without_an_empty_section() {
        let pages = pages().unwrap();
        let has = |name: &str| pages.iter().any(|page| page.name == name);
        for name in [
            "tunnel.1",
            "tunnel-webhook-replay.1",
            "tunnel-config-show.1",
            "tunnel-server.1",
            "tunnel-server-run.1",
        ] {
            assert!(has(name), "{name}");
        }
        for page in &pages {
            let sections = sections(page);
            let names: Vec<_> = sections.iter().map(|(name, _)| name.as_str()).collect();
            assert!(names.starts_with(&["NAME", "SYNOPSIS", "DESCRIPTION"]));
            for (name, lines) in &sections {
                let has_text = lines
                    .iter()
                    .any(|line| !line.starts_with('.') && !line.trim().is_empty());
                assert!(has_text, "{name} of {} is empty", page.name);
            }
        }
    }

    #[test]
    fn examples_stay_line_for_line_and_are_no_instructions() {
        let mut roff = Vec::new();
        let text = "Examples:\n  a --b 'c'\n  .d \\e\n\nWith --json: x.";
        write_notes(text, &mut roff).unwrap();
        assert_eq!(
            String::from_utf8(roff).unwrap(),
            ".SH EXAMPLES\n.nf\n\\&  a \\-\\-b \\(aqc\\(aq\n\\&  .d \\ee\n.fi\n\
             .SH NOTES\n.nf\n\\&With \\-\\-json: x.\n.fi\n"
        );
    }
}
