//! Completions, as a shell gives them.

use std::process::Command;

use crate::support::Sandbox;

/// What bash offers for the last word of a line.
fn offered(sandbox: &Sandbox, line: &[&str]) -> Vec<String> {
    let script = sandbox.path().join("tunnel.bash");
    std::fs::write(&script, sandbox.tunnel(&["completions", "bash"]).out).unwrap();
    let last = line.len() - 1;
    let before = line[last - 1];
    let words = line.join("' '");
    let play = format!(
        "set -eu; source '{}'; COMP_WORDS=('{words}'); COMP_CWORD={last}\n\
         _tunnel tunnel '{}' '{before}' || true; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        line[last],
    );
    let bash = Command::new("bash")
        .args(["--norc", "-c", &play])
        .current_dir(sandbox.path())
        .output()
        .unwrap();
    assert!(bash.status.success(), "{bash:?}");
    let out = String::from_utf8(bash.stdout).unwrap();
    out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_takes_them_and_completes_commands_options_and_values() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("secret.txt"), "").unwrap();
    let offered = |line: &[&str]| offered(&sandbox, line);
    assert_eq!(offered(&["tunnel", "hea"]), ["health"]);
    assert_eq!(
        offered(&["tunnel", "sync", "--allow"]),
        ["--allow-remote-target"]
    );
    assert_eq!(offered(&["tunnel", "sync", "--mode", "re"]), ["replace"]);
    assert_eq!(
        offered(&["tunnel", "webhook", "--type", "stri"]),
        ["stripe"]
    );
    assert_eq!(offered(&["tunnel", "logs", "--filter", "wa"]), ["warn"]);
    assert_eq!(
        offered(&["tunnel", "health", "--secret-file", "sec"]),
        ["secret.txt"]
    );
    // A table is no file.
    assert_eq!(offered(&["tunnel", "sync", "--table", "sec"]), ["sec"]);
}

#[test]
fn every_shell_has_its_own_and_a_broken_env_is_not_its_affair() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join(".env"), "A='\n").unwrap();
    for (shell, piece) in [
        ("bash", "complete -F _tunnel"),
        ("zsh", "#compdef tunnel"),
        ("fish", "complete -c tunnel"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let completions = sandbox.tunnel(&["completions", shell]);
        completions.expect(0, &[]);
        assert!(completions.out.contains(piece), "{shell}");
        assert!(completions.out.contains("allow-remote-target"), "{shell}");
    }
}
