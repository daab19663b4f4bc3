//! The house rules that a compiler does not see.

use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn folders() -> Vec<String> {
    let entries = fs::read_dir(source()).expect("the source folder").flatten();
    let folders = entries.filter(|entry| entry.path().join("mod.rs").exists());
    folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a source folder").flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn every_folder_is_a_feature_in_the_list() {
    let mut folders = folders();
    folders.sort();
    let mut listed: Vec<_> = features::ALL
        .iter()
        .map(|feature| feature.protocol.feature)
        .collect();
    listed.sort_unstable();
    assert_eq!(folders, listed);
}

#[test]
fn no_feature_names_another() {
    for folder in folders() {
        let is_test = |path: &Path| {
            path.components()
                .any(|part| part.as_os_str().to_string_lossy().starts_with("tests"))
        };
        for file in files(&source().join(&folder))
            .into_iter()
            .filter(|path| !is_test(path) && path.extension().is_some_and(|it| it == "rs"))
        {
            let text = fs::read_to_string(&file).unwrap();
            for other in folders().iter().filter(|other| **other != folder) {
                let named = text.contains(&format!("crate::{other}"));
                assert!(!named, "{} names the feature {other}", file.display());
            }
        }
    }
}
