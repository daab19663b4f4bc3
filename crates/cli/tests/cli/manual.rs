//! The manual's pages, as they are written and as `man` reads them.

use std::process::Command;

use crate::support::Sandbox;

#[test]
fn the_pages_are_written_and_man_has_nothing_to_say_against_them() {
    let sandbox = Sandbox::new();
    let written = sandbox.tunnel(&["man", "share/man/man1"]);
    written.expect(0, &[]);
    let paths: Vec<_> = written.out.lines().collect();
    assert!(paths.contains(&"share/man/man1/tunnel-sync.1"), "{paths:?}");
    for path in paths {
        let page = Command::new("man")
            .args(["--warnings", "-l", path])
            .env("MANPAGER", "cat")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(sandbox.path())
            .output();
        // Not everywhere is there a `man` that takes a file.
        let Ok(page) = page.map_err(drop) else {
            return;
        };
        let (out, err) = (
            String::from_utf8_lossy(&page.stdout),
            String::from_utf8_lossy(&page.stderr),
        );
        assert!(out.contains("SYNOPSIS") && err.is_empty(), "{path}: {err}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("file"), "").unwrap();
    let refused = sandbox.tunnel(&["man", "file/man1"]);
    refused.expect(1, &["cannot write file/man1", "name a folder"]);
}
