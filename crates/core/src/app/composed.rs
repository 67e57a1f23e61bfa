//! The compose files of an app: the recipe's, in the order its env names them, further ones the
//! pack asks for, and those the pack brings itself (PLAN-7).
//!
//! Tests: at the end of this file.

use std::collections::BTreeMap;

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::plan::Revision;

use crate::compose::{self, ComposeText, ReadCompose};
use crate::ports::Tree;
use crate::text::{TextError, Whose};

use super::text_of;

/// What the pack adds to the compose files of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The revision it is added to.
    pub revision: Revision,
    /// Further compose files of the recipe.
    pub compose: Vec<String>,
    /// Compose files of the pack.
    pub overlays: Vec<ComposeText>,
}

/// The compose files of an app, read.
pub(super) struct Composed {
    /// The recipe's, in merge order.
    pub(super) files: Vec<String>,
    /// What everything declares together.
    pub(super) read: ReadCompose,
    /// What the recipe's files declare without those of the pack.
    pub(super) own: DeclaredStack,
}

/// Reads them all.
pub(super) fn composed(
    tree: &Tree,
    env: &BTreeMap<String, String>,
    stack: &str,
    added: &Added,
) -> Result<Composed, TextError> {
    let files = files(tree, env, added)?;
    let mut texts = texts(tree, &files)?;
    let file = |path: &str| tree.get(&plain(path)?).cloned();
    let read = compose::read(&texts, env, stack, &file)?;
    let own = read.stack.clone();
    if added.overlays.is_empty() {
        return Ok(Composed { files, read, own });
    }
    texts.extend(added.overlays.iter().cloned());
    // What was in order without them is in disorder by them.
    let of_pack = |error: TextError| error.of(Whose::Pack);
    let with = compose::read(&texts, env, stack, &file).map_err(of_pack)?;
    refuse_more_than_an_overlay(&own, &with.stack, added).map_err(of_pack)?;
    Ok(Composed { files, read: with, own })
}

/// `COMPOSE_FILE`, else `compose.yml`; then what the pack asks for. An older release may not have
/// a file of that name yet.
fn files(
    tree: &Tree,
    env: &BTreeMap<String, String>,
    added: &Added,
) -> Result<Vec<String>, TextError> {
    let listed = env.get("COMPOSE_FILE").map(String::as_str).unwrap_or_default();
    let mut files: Vec<String> =
        listed.split(':').filter(|file| !file.is_empty()).map(str::to_owned).collect();
    if files.is_empty() {
        files.push("compose.yml".to_owned());
    }
    for file in &added.compose {
        if files.contains(file) {
            continue;
        }
        if plain(file).is_some_and(|path| tree.contains_key(&path)) {
            files.push(file.clone());
        } else if added.revision == Revision::Head {
            let message = format!(
                "`[app] compose` of the pack names `{file}`, which the recipe does not have"
            );
            return Err(TextError::new(message).of(Whose::Pack));
        }
    }
    Ok(files)
}

fn texts(tree: &Tree, files: &[String]) -> Result<Vec<ComposeText>, TextError> {
    files
        .iter()
        .map(|name| {
            let missing = || {
                TextError::new(format!(
                    "the recipe has no file `{name}`, which its env names in COMPOSE_FILE"
                ))
            };
            let path = plain(name).ok_or_else(missing)?;
            let text = text_of(tree, &path)?.ok_or_else(missing)?;
            Ok(ComposeText { name: name.clone(), text })
        })
        .collect()
}

/// A path inside the recipe as git names it; `None` for one that leads out of it.
fn plain(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    (!path.starts_with('/')).then(|| parts.join("/"))
}

/// PLAN-7: a service that only an overlay names would be created by it, and an image it pins for
/// the head is not the one under test.
fn refuse_more_than_an_overlay(
    own: &DeclaredStack,
    with: &DeclaredStack,
    added: &Added,
) -> Result<(), TextError> {
    let names: Vec<&str> = added.overlays.iter().map(|overlay| overlay.name.as_str()).collect();
    let revision = added.revision;
    for service in &with.services {
        let Some(before) = own.service(service.name.as_str()) else {
            return Err(TextError::new(format!(
                "overlay {} of the pack names service `{}`, which the {revision} does not have: Swarm would create it; \
                 give it a `for` that leaves the {revision} out",
                names.join(", "),
                service.name
            )));
        };
        if revision == Revision::Head && before.image != service.image {
            return Err(TextError::new(format!(
                "overlay {} of the pack pins image `{}` for service `{}` of the head: what would be tested is not the recipe's",
                names.join(", "),
                service.image,
                service.name
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_git() {
        for (path, expected) in [
            ("compose.yml", Some("compose.yml")),
            ("./compose.yml", Some("compose.yml")),
            ("././a//b", Some("a/b")),
            ("a/../b", Some("b")),
            ("a/./b/", Some("a/b")),
            ("../b", None),
            ("a/../../b", None),
            ("/etc/passwd", None),
        ] {
            assert_eq!(plain(path).as_deref(), expected, "{path}");
        }
    }

    const COMPOSE: &str = "version: '3.8'\nservices:\n  app:\n    image: a:1\n";

    fn tree() -> Tree {
        let files = [
            ("compose.yml", COMPOSE),
            ("compose.mail.yml", "version: '3.8'\nservices: {app: {environment: {MAIL: 'on'}}}\n"),
        ];
        files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into()
    }

    fn added(revision: Revision, compose: &[&str], overlay: Option<&str>) -> Added {
        let text = |text: &str| ComposeText { name: "small.yml".into(), text: text.into() };
        Added {
            revision,
            compose: compose.iter().map(|file| (*file).to_owned()).collect(),
            overlays: overlay.map(text).into_iter().collect(),
        }
    }

    #[track_caller]
    fn files_are(compose_file: &str, added: &Added, expected: &[&str]) {
        let env = [("COMPOSE_FILE".to_owned(), compose_file.to_owned())].into();
        assert_eq!(files(&tree(), &env, added).unwrap(), expected);
    }

    #[test]
    fn further_files_of_the_recipe_come_after_its_own() {
        let mail = || added(Revision::Head, &["compose.mail.yml"], None);
        files_are("", &mail(), &["compose.yml", "compose.mail.yml"]);
        files_are(
            "compose.yml:compose.x.yml",
            &mail(),
            &["compose.yml", "compose.x.yml", "compose.mail.yml"],
        );
        files_are("compose.yml:compose.mail.yml", &mail(), &["compose.yml", "compose.mail.yml"]);
        // A release from before there was such a file.
        files_are("", &added(Revision::Base, &["compose.new.yml"], None), &["compose.yml"]);
        let refused =
            files(&tree(), &BTreeMap::new(), &added(Revision::Head, &["compose.new.yml"], None));
        assert_eq!(refused.unwrap_err().whose, Whose::Pack);
        let read = composed(&tree(), &BTreeMap::new(), "s", &mail()).unwrap().read;
        assert_eq!(read.stack.services[0].template["environment.MAIL"], "on");
    }

    #[track_caller]
    fn refused(revision: Revision, overlay: &str, words: &str) {
        let overlay = format!("version: '3.8'\nservices:\n  {overlay}\n");
        let added = added(revision, &[], Some(&overlay));
        let refused = composed(&tree(), &BTreeMap::new(), "s", &added).err().unwrap();
        assert!(refused.message.contains(words), "{refused}");
        assert_eq!(refused.whose, Whose::Pack, "{refused}");
    }

    #[test]
    fn an_overlay_adds_to_services_and_neither_makes_nor_replaces_them() {
        refused(Revision::Head, "app: {image: b}", "pins image `b` for service `app`");
        refused(Revision::Head, "appp: {image: b}", "names service `appp`");
        refused(Revision::Base, "appp: {image: b}", "names service `appp`");
        refused(Revision::Head, "app: {environment: [", "");
        let limit = "version: '3.8'\nservices: {app: {environment: {SMALL: '1'}}}\n";
        let added = |overlay| added(Revision::Base, &[], Some(overlay));
        let small = composed(&tree(), &BTreeMap::new(), "s", &added(limit)).unwrap();
        assert_eq!(small.read.stack.services[0].template["environment.SMALL"], "1");
        assert!(!small.own.services[0].template.contains_key("environment.SMALL"));
        assert_eq!(small.files, ["compose.yml"], "the deployer gets it as a file of its own");
        let old = "version: '3.8'\nservices: {app: {image: 'a:0'}}\n";
        let base = composed(&tree(), &BTreeMap::new(), "s", &added(old)).unwrap();
        assert_eq!(base.read.stack.services[0].image, "a:0", "of the base it may");
    }
}
