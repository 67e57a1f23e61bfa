//! What an operator has to do by hand when upgrading (STG-3a): told, because the upgrade of a
//! run does it silently or fails for want of it.

use crate::env_file::EnvFile;
use crate::ports::Tree;
use cc_ci_model::difference::OperatorStep;

/// Keys new in the head's `.env.sample`, changed defaults and new secrets. `notes` is the text
/// of the head's release notes.
pub fn operator_steps(base: &EnvFile, head: &EnvFile, notes: &str) -> Vec<OperatorStep> {
    let mut steps: Vec<OperatorStep> = head
        .entries
        .iter()
        .filter(|entry| !is_ours(&entry.key))
        // A key may be assigned more than once (`COMPOSE_FILE="$COMPOSE_FILE:…"`): the last counts.
        .filter(|entry| head.entry(&entry.key) == Some(*entry))
        .filter_map(|entry| {
            let step = match base.get(&entry.key) {
                None if secret_of(&entry.key).is_some() => {
                    format!(
                        "add `{}={}` to the env file and generate the secret",
                        entry.key, entry.value
                    )
                }
                None => format!(
                    "add `{}={}` to the env file, with a value of your own",
                    entry.key, entry.value
                ),
                Some(before) if before != entry.value => format!(
                    "the default of `{}` changes from `{before}` to `{}`: decide which to keep",
                    entry.key, entry.value
                ),
                Some(_) => return None,
            };
            Some(OperatorStep { key: entry.key.clone(), step, noted: is_noted(&entry.key, notes) })
        })
        .collect();
    steps.sort();
    steps.dedup_by(|a, b| a.key == b.key);
    steps
}

/// The same from the files of two commits; the notes are those of every release the base does
/// not have yet. Files that can not be read give no steps: preparing the app has said so.
pub fn steps_between(base: &Tree, head: &Tree) -> Vec<OperatorStep> {
    let sample = |tree: &Tree| {
        let bytes = tree.get(".env.sample").cloned().unwrap_or_default();
        EnvFile::parse(".env.sample", &String::from_utf8_lossy(&bytes)).ok()
    };
    let (Some(before), Some(after)) = (sample(base), sample(head)) else {
        return Vec::new();
    };
    let new_notes =
        head.iter().filter(|(path, _)| path.starts_with("release/") && !base.contains_key(*path));
    let notes: String =
        new_notes.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect();
    operator_steps(&before, &after, &notes)
}

/// The name in `SECRET_<NAME>_VERSION`.
pub fn secret_of(key: &str) -> Option<&str> {
    key.strip_prefix("SECRET_")?.strip_suffix("_VERSION").filter(|name| !name.is_empty())
}

/// Keys whose values are never an operator's to keep.
fn is_ours(key: &str) -> bool {
    matches!(key, "TYPE" | "RECIPE" | "DOMAIN" | "STACK_NAME" | "TIMEOUT")
}

fn is_noted(key: &str, notes: &str) -> bool {
    let secret = secret_of(key).map(str::to_lowercase);
    let mut words = notes.split(|c: char| !c.is_alphanumeric() && c != '_');
    words
        .any(|word| word == key || secret.as_ref().is_some_and(|name| word.to_lowercase() == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(base: &str, head: &str, notes: &str) -> Vec<(String, bool)> {
        let read = |text: &str| EnvFile::parse(".env.sample", text).unwrap();
        let found = operator_steps(&read(base), &read(head), notes);
        found.into_iter().map(|step| (step.step, step.noted)).collect()
    }

    #[test]
    fn new_keys_changed_defaults_and_new_secrets_are_told() {
        let base = "TYPE=a\nDOMAIN=a.test\nCOLOUR=red\nSAME=1\n";
        let head = "TYPE=b\nDOMAIN=b.test\nCOLOUR=blue\nSAME=1\nSITE=\nSECRET_TOKEN_VERSION=v1 # length=8\n";
        let told = steps(base, head, "Set SITE before you upgrade. The token is made for you.");
        let expected = [
            ("the default of `COLOUR` changes from `red` to `blue`: decide which to keep", false),
            ("add `SECRET_TOKEN_VERSION=v1` to the env file and generate the secret", true),
            ("add `SITE=` to the env file, with a value of your own", true),
        ];
        assert_eq!(told, expected.map(|(step, noted)| (step.to_owned(), noted)));
        assert_eq!(steps(head, head, ""), []);
    }

    #[test]
    fn of_a_key_assigned_more_than_once_the_last_counts() {
        let one = "COMPOSE_FILE=a.yml\nCOMPOSE_FILE=\"$COMPOSE_FILE:b.yml\"\n";
        let two = format!("{one}COMPOSE_FILE=\"$COMPOSE_FILE:c.yml\"\n");
        assert_eq!(steps(one, one, ""), []);
        let step = "the default of `COMPOSE_FILE` changes from `a.yml:b.yml` to `a.yml:b.yml:c.yml`: decide which to keep";
        assert_eq!(steps(one, &two, ""), [(step.to_owned(), false)]);
    }

    #[test]
    fn a_key_inside_another_word_is_not_mentioned() {
        assert!(!steps("", "SITE=\n", "see WEBSITE_URL, SITES and site")[0].1);
        assert!(steps("", "SITE=\n", "`SITE`: new")[0].1);
    }
}
