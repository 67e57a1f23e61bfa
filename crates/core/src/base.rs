//! The release an upgrade starts from (PLAN-2, PLAN-3): what people run today.

use cc_ci_model::version::RecipeVersion;

use crate::ports::{RecipeFacts, Release, ReleasesKnown};

/// Releases an upgrade could start from, best first, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidates {
    /// These, best first, with why they were chosen.
    Some {
        /// Best first.
        releases: Vec<Release>,
        /// Why the first is the first.
        why: String,
    },
    /// There is no earlier release.
    NoEarlierRelease {
        /// What there is instead.
        why: String,
    },
    /// It is not known which releases there are.
    Unknown {
        /// Why.
        why: String,
    },
    /// The pack names a release that does not exist.
    NoSuchRelease {
        /// The version it names.
        version: RecipeVersion,
    },
}

/// The newest release whose commit is an ancestor of the head and not the head itself; without
/// any ancestor, the newest below the version in the head's label. The pack's word wins.
pub fn candidates(
    facts: &RecipeFacts,
    label: Option<&RecipeVersion>,
    named: Option<&RecipeVersion>,
) -> Candidates {
    if let Some(version) = named {
        return match facts.releases.iter().find(|release| release.version == *version) {
            Some(release) => Candidates::Some {
                releases: vec![release.clone()],
                why: "named by the pack (`[upgrade] base`)".to_owned(),
            },
            None => Candidates::NoSuchRelease { version: version.clone() },
        };
    }
    if let ReleasesKnown::Unknown(why) = &facts.releases_known {
        return Candidates::Unknown { why: format!("releases unknown: {why}") };
    }
    let ancestors =
        newest_first(facts, |release| release.ancestor_of_head && release.commit != facts.head);
    if !ancestors.is_empty() {
        let why = "the newest release the head descends from".to_owned();
        return Candidates::Some { releases: ancestors, why };
    }
    let below = newest_first(facts, |release| {
        release.commit != facts.head && label.is_some_and(|label| release.version < *label)
    });
    if let (Some(label), false) = (label, below.is_empty()) {
        let why = format!("the head descends from no release; the newest below its label {label}");
        return Candidates::Some { releases: below, why };
    }
    Candidates::NoEarlierRelease { why: no_release(facts) }
}

fn newest_first(facts: &RecipeFacts, is_fit: impl Fn(&Release) -> bool) -> Vec<Release> {
    let mut fit: Vec<Release> =
        facts.releases.iter().filter(|release| is_fit(release)).cloned().collect();
    fit.sort_by(|a, b| b.version.cmp(&a.version));
    fit
}

fn no_release(facts: &RecipeFacts) -> String {
    match (facts.releases.len(), facts.malformed_tags.as_slice()) {
        (0, []) => "no earlier release: the recipe has no version tag".to_owned(),
        (0, malformed) => format!(
            "no earlier release: none of its {} tags is a version (`{}`)",
            malformed.len(),
            malformed.join("`, `")
        ),
        (_, _) => "no earlier release: the head descends from none, and none is below its label"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> RecipeVersion {
        text.parse().unwrap()
    }

    fn facts(releases: &[(&str, char, bool)], head: char) -> RecipeFacts {
        let sha = |digit: char| digit.to_string().repeat(40).parse().unwrap();
        RecipeFacts {
            name: "a".parse().unwrap(),
            reference: "HEAD".into(),
            head: sha(head),
            dirty_of: None,
            releases: releases
                .iter()
                .map(|(text, commit, ancestor)| Release {
                    version: version(text),
                    commit: sha(*commit),
                    annotated: true,
                    ancestor_of_head: *ancestor,
                })
                .collect(),
            malformed_tags: Vec::new(),
            releases_known: ReleasesKnown::All,
        }
    }

    #[track_caller]
    fn check(facts: &RecipeFacts, label: Option<&str>, named: Option<&str>, expected: &[&str]) {
        let got = candidates(facts, label.map(version).as_ref(), named.map(version).as_ref());
        let Candidates::Some { releases, .. } = got else {
            assert!(expected.is_empty(), "{got:?}");
            return;
        };
        let got: Vec<&str> = releases.iter().map(|release| release.version.as_str()).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn the_newest_ancestor_is_the_base_even_with_the_heads_own_label() {
        let known =
            facts(&[("1.0.0+1", '1', true), ("1.10.0+1", '2', true), ("1.9.0+1", '3', true)], 'f');
        check(&known, Some("1.10.0+1"), None, &["1.10.0+1", "1.9.0+1", "1.0.0+1"]);
    }

    #[test]
    fn the_heads_own_tag_is_not_its_base() {
        check(
            &facts(&[("1.0.0+1", '1', true), ("1.1.0+1", 'f', true)], 'f'),
            None,
            None,
            &["1.0.0+1"],
        );
    }

    #[test]
    fn without_an_ancestor_the_label_decides() {
        let known = facts(&[("1.0.0+1", '1', false), ("2.0.0+1", '2', false)], 'f');
        check(&known, Some("1.5.0+1"), None, &["1.0.0+1"]);
        check(&known, None, None, &[]);
    }

    #[test]
    fn incident_missing_base_image_the_pack_can_name_the_base() {
        let known = facts(&[("1.0.0+1", '1', true), ("1.1.0+1", '2', true)], 'f');
        check(&known, None, Some("1.0.0+1"), &["1.0.0+1"]);
        let got = candidates(&known, None, Some(&version("3.0.0+1")));
        assert!(matches!(got, Candidates::NoSuchRelease { .. }));
    }

    #[test]
    fn unknown_releases_are_not_no_releases() {
        let mut unknown = facts(&[], 'f');
        assert!(matches!(candidates(&unknown, None, None), Candidates::NoEarlierRelease { .. }));
        unknown.releases_known = ReleasesKnown::Unknown("shallow".into());
        assert!(matches!(candidates(&unknown, None, None), Candidates::Unknown { .. }));
    }
}
