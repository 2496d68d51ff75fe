//! `completions`, `man` and help.

use crate::run::{ok, run};

#[test]
fn files_for_shells_and_for_man_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let text = ok(&["completions", shell]);
        assert!(text.contains("compare-and-set") && text.contains("doctor"), "{shell}");
    }
    let page = ok(&["man"]);
    assert!(page.starts_with(".ie") && page.contains("shared\\-value"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    ok(&["man", "--directory", folder.path().to_str().unwrap()]);
    let set = std::fs::read_to_string(folder.path().join("shared-value-set.1")).unwrap();
    assert!(set.contains("PATH=VALUE"), "{set}");
    assert!(folder.path().join("shared-value.1").exists());
}

#[test]
fn every_command_explains_itself() {
    let help = ok(&["--help"]);
    let commands = help.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let mut checked = 0;
    for command in commands.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' ')) {
        let name = command.split_whitespace().next().unwrap();
        if name == "help" {
            continue;
        }
        assert!(ok(&[name, "--help"]).contains("Usage:"), "{name}");
        checked += 1;
    }
    assert!(checked >= 12, "{help}");
    assert_eq!(run(&[]).code, 2);
}
