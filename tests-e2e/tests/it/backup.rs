//! Backup, restore and tests: what takes more than a recipe and a verdict to see. The faults
//! themselves are mutations, `tests-e2e/catalogue/faults/{backup,restore}-*.toml`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cc_ci_e2e::{Change, Lab, Ran, is_enabled, is_long_enabled};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::results::Results;
use cc_ci_model::stage::Rung;

/// A test of a pack: its name, its text, and whether it can be executed.
type Test<'a> = (&'a str, &'a str, bool);

/// A pack with tests, in a folder of its own.
fn pack(lab: &Lab, name: &str, recipe: &str, tests: &[Test<'_>]) -> Result<String> {
    let folder = lab.path().join(name);
    fs::create_dir_all(folder.join("tests"))?;
    let text = format!("recipe = \"{recipe}\"\n\n[timeouts]\ndeploy = \"60s\"\ntest = \"10s\"\n");
    write(folder.join("recipe.toml"), text)?;
    for (test, text, is_executable) in tests {
        let path = folder.join("tests").join(test);
        let first = if text.starts_with("#!") { "" } else { "#!/bin/sh\n" };
        write(&path, format!("{first}{text}\n"))?;
        let mode = if *is_executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    Ok(folder.display().to_string())
}

fn reason(results: &Results, rung: Rung) -> &str {
    results.rungs[&rung].reason.as_deref().unwrap_or_default()
}

/// Seed: a stateless recipe whose pack says so is a green level 2.
#[test]
fn a_declared_gap_is_green() -> Result<()> {
    if !is_enabled("a_declared_gap_is_green") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let pack = xtask::workspace::root().join("packs/custom-html-tiny").display().to_string();
    let ran = lab.run(&lab.recipe("custom-html-tiny")?, "run", &["--pack", &pack])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!((results.verdict, results.level, results.partial), (Verdict::Pass, 2, false));
    assert_eq!(results.level_cap_rung, Some(Rung::BackupRestore));
    assert_eq!(results.skips.intentional, [Rung::BackupRestore, Rung::Functional]);
    assert_eq!(results.skips.unintentional, []);
    Ok(())
}

/// Incident (ghost): the database's container was replaced while it dumped. The backup "succeeded",
/// the dump in it was empty, and the restore lost the data.
#[test]
fn incident_a_backup_that_succeeded_without_data() -> Result<()> {
    if !is_enabled("incident_a_backup_that_succeeded_without_data") {
        return Ok(());
    }
    Lab::new()?.run_mutation("backup-dump-empty")?;
    Ok(())
}

/// Incident (ghost), as it was: the container went while it dumped. The backup is taken again, and
/// that it took two attempts is said everywhere.
#[test]
fn incident_ghosts_dump_was_cut_off_while_its_container_was_replaced() -> Result<()> {
    if !is_enabled("incident_ghosts_dump_was_cut_off_while_its_container_was_replaced") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let ran = lab.run_mutation("backup-weather-container-replaced")?;
    let results = ran.results()?;
    let told: Vec<_> = results.flaky.iter().map(|one| (one.check.as_str(), one.attempt)).collect();
    assert_eq!(told, [("hook", 2)], "{:#?}", results.flaky);
    let backup = results.stages.iter().find(|stage| stage.name == "backup");
    let backup = backup.context("no backup")?;
    assert_eq!((backup.attempts, backup.earlier.len()), (2, 1));
    assert!(results.warnings.iter().any(|warning| warning.code == "task_replaced"));
    let report = fs::read_to_string(ran.directory.join("report.md"))?;
    assert!(report.contains("## Flaky") && report.contains("of 4, capped by"), "{report}");
    ran.said("(2 attempts: flaky)");
    Ok(())
}

/// STG-5: with its own pack, restored after a disaster: every rung, and the report says how.
#[test]
fn custom_html_comes_back_after_a_disaster() -> Result<()> {
    if !is_enabled("custom_html_comes_back_after_a_disaster") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let pack = xtask::workspace::root().join("packs/custom-html").display().to_string();
    let arguments = ["--pack", &pack, "--restore", "disaster"];
    let ran = lab.run(&lab.recipe("custom-html")?, "run", &arguments)?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!((results.verdict, results.level), (Verdict::Pass, 4), "{:#?}", results.conditions);
    let counts = results.deploys.iter().map(|one| (one.app.to_string(), one.planned, one.actual));
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [("fresh".to_owned(), 1, 1), ("upgraded".to_owned(), 3, 3)]
    );
    let report = fs::read_to_string(ran.directory.join("report.md"))?;
    assert!(report.contains("restored after a disaster"), "{report}");
    Ok(())
}

/// A hook that empties a folder with `*` leaves what begins with a dot, and a marker that began
/// with a dot made this green.
#[test]
fn incident_a_restore_that_keeps_only_hidden_files() -> Result<()> {
    if !is_enabled("incident_a_restore_that_keeps_only_hidden_files") {
        return Ok(());
    }
    let results = Lab::new()?.run_mutation("restore-hook-empties-the-volume")?.results()?;
    let backup = results.stages.iter().find(|stage| stage.name == "backup");
    assert_eq!(backup.map(|stage| stage.status), Some(Status::Passed), "the backup was good");
    Ok(())
}

/// The mutation is green, and says these things besides.
#[track_caller]
fn warned(mutation: &str, expected: &[&str]) -> Result<()> {
    let results = Lab::new()?.run_mutation(mutation)?.results()?;
    let codes = results.warnings.iter().map(|warning| warning.code.as_str());
    let codes: Vec<&str> = codes.filter(|code| *code != "recipe").collect();
    assert_eq!(codes, expected, "{mutation}: {:#?}", results.warnings);
    Ok(())
}

#[test]
fn what_is_left_out_or_unseen_is_told() -> Result<()> {
    if !is_long_enabled("what_is_left_out_or_unseen_is_told") {
        return Ok(());
    }
    warned("backup-weather-cache-excluded", &["volume_not_backed_up"])?;
    warned("backup-weather-cache-and-hook", &["volume_not_backed_up"])?;
    warned("backup-weather-copy-hook", &[])?;
    warned("backup-weather-copy-hook-path", &["volume_not_backed_up"])?;
    warned("backup-weather-mirror-hook", &["replaced_by_hook"])?;
    // One for each of the two files: the second is hidden, as files that get forgotten are.
    warned("backup-weather-tar-hook", &["xattrs_lost_by_hook", "xattrs_lost_by_hook"])?;
    warned("backup-weather-hook-by-sh", &["hook_without_bash", "hook_without_bash"])
}

/// Installs custom-html-tiny and runs those tests.
#[track_caller]
fn tested(tests: &[Test<'_>]) -> Result<Ran> {
    let lab = Lab::new()?;
    let pack = pack(&lab, "pack", "custom-html-tiny", tests)?;
    let recipe = lab.recipe("custom-html-tiny")?;
    let ran = lab.run(&recipe, "run", &["--pack", &pack, "--stages", "install,functional"])?;
    if ran.directory.exists() {
        ran.left_nothing();
    }
    Ok(ran)
}

/// Incident F2-11: a test file in which everything is skipped exits with 0, and the run was green.
#[test]
fn incident_f2_11_tests_that_all_skip_are_no_level_four() -> Result<()> {
    if !is_enabled("incident_f2_11_tests_that_all_skip_are_no_level_four") {
        return Ok(());
    }
    let results =
        tested(&[("10-login.sh", "echo no identity provider; exit 77", true)])?.results()?;
    assert_eq!(results.rungs[&Rung::Functional].status, Status::Unverified);
    let functional = results.stages.iter().find(|stage| stage.name == "functional");
    let functional = functional.context("no functional stage")?;
    assert_eq!(functional.status, Status::Unverified);
    let checks = functional.checks.iter();
    let statuses: Vec<_> = checks.map(|check| (check.name.as_str(), check.status)).collect();
    assert!(statuses.contains(&("tests/10-login.sh", Status::Skipped)), "{statuses:?}");
    Ok(())
}

#[test]
fn a_test_that_fails_says_why() -> Result<()> {
    if !is_long_enabled("a_test_that_fails_says_why") {
        return Ok(());
    }
    let good = ("20-good.sh", "exit 0", true);
    let ran = tested(&[("10-title.sh", "echo the page has no title >&2; exit 1", true), good])?;
    let results = ran.exited(1).results()?;
    let said = "test tests/10-title.sh ended with exit code 1: the page has no title";
    assert!(reason(&results, Rung::Functional).starts_with(said));
    // Two that end in time, and one that does not.
    let ran = tested(&[("10-stuck.sh", "sleep 60", true), good])?;
    let results = ran.exited(1).results()?;
    let said = "test tests/10-stuck.sh did not end in time";
    assert!(reason(&results, Rung::Functional).starts_with(said));
    Ok(())
}

#[test]
fn a_test_without_an_assertion_proves_nothing() -> Result<()> {
    if !is_long_enabled("a_test_without_an_assertion_proves_nothing") {
        return Ok(());
    }
    let ran = tested(&[("10-empty.sh", "echo 1..0", true), ("20-good.sh", "exit 0", true)])?;
    let results = ran.exited(3).results()?;
    assert_eq!(results.rungs[&Rung::Functional].status, Status::Unverified);
    let said = "test tests/10-empty.sh ran no assertion";
    assert_eq!(reason(&results, Rung::Functional), said);
    Ok(())
}

/// TEST-2: an error in the pack, and told before anything is made.
#[test]
fn a_test_that_can_not_be_executed_is_an_error_in_the_pack() -> Result<()> {
    if !is_enabled("a_test_that_can_not_be_executed_is_an_error_in_the_pack") {
        return Ok(());
    }
    let ran = tested(&[("10-plain.sh", "exit 0", false), ("20-good.sh", "exit 0", true)])?;
    ran.exited(6).said("`tests/10-plain.sh` of the pack can not be run").said("chmod +x");
    assert!(!ran.directory.join("events.jsonl").exists());
    let ran = tested(&[("10-strange.sh", "#!/usr/bin/env python9\nexit 0", true)])?;
    ran.exited(6).said("interpreter `python9`: not found on its PATH");
    assert!(!ran.directory.join("events.jsonl").exists());
    Ok(())
}

/// custom-html with an app that tells everybody its secret: in its log, on its front page, and by
/// its hook. What only this test can read back is the word in another alphabet.
fn talkative(lab: &Lab) -> Result<PathBuf> {
    let script = r#"
token=$(cat /run/secrets/admin_token)
echo "plain: $token, again: $token"
echo "base64: $(printf %s "$token" | base64 --wrap=0)"
echo "json: {\"token\":\"$token\"}"
echo "shifted: $(printf %s "$token" | tr A-Za-z N-ZA-Mn-za-m)"

[ -e "$html/styles.css" ]"#;
    let page = r#"
    location = / {
        default_type text/html;
        return 200 "<title>site</title><h1>{{ secret "admin_token" }}</h1>";
    }

    location = /private {"#;
    let label = r#""backupbot.backup.volumes.content=true""#;
    let hook = format!(
        "{label}\n        - \"backupbot.backup.pre-hook=cat /run/secrets/admin_token; exit 3\""
    );
    let changes = [
        ("entrypoint.sh", "\n[ -e \"$html/styles.css\" ]", script),
        ("default.conf.tmpl", "\n    location = /private {", page),
        ("compose.yml", label, &hook),
    ];
    let changes = changes.map(|(file, replace, with)| Change { tree: "head", file, replace, with });
    lab.recipe_with("custom-html", "talkative", &changes)
}

/// What a test says is cut: here in the middle of the secret. What it writes into the run's
/// directory nobody has scrubbed.
const TELL: &str = r#"page=$(curl --silent --header "Host: $CCCI_DOMAIN" "$CCCI_BASE_URL/")
token=${page#*<h1>}
echo "${token%</h1>*}"
echo "${token%</h1>*}" >"$CCCI_RUN_DIR/notes.txt"
printf '%01978d\n' 0
exit 1"#;

/// RES-5: neither whole nor in part.
#[test]
fn a_secret_is_in_no_file_of_a_run() -> Result<()> {
    if !is_enabled("a_secret_is_in_no_file_of_a_run") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let pack = pack(&lab, "pack", "custom-html", &[("10-tell.sh", TELL, true)])?;
    let stages = ["--pack", &pack, "--stages", "install,backup,functional"];
    let ran = lab.run(&talkative(&lab)?, "run", &stages)?;
    ran.exited(1).left_nothing();
    write(ran.directory.join("stdout"), &ran.stdout)?;
    write(ran.directory.join("stderr"), &ran.stderr)?;

    let log = fs::read_to_string(ran.directory.join("logs/fresh.app.log"))?;
    let shifted = log.lines().find_map(|line| line.split_once("shifted: "));
    let secret = shift(shifted.context("the app did not tell its secret")?.1.trim());
    assert_eq!(secret.len(), 32, "{secret}");
    assert_ne!(secret, shift(&secret));
    // It was told everywhere, and something else stands there now.
    let mask = "[secret]";
    for line in
        ["plain: [secret], again: [secret]", "base64: [secret]", r#"json: {"token":"[secret]"}"#]
    {
        assert!(log.contains(line), "no `{line}` in: {log}");
    }
    let results = ran.results()?;
    let said = reason(&results, Rung::BackupRestore);
    assert!(said.contains("exit code 3") && said.ends_with(mask), "{said}");
    let withheld = "a secret of the run is in `notes.txt`: it was removed";
    let mut told = results.conditions.iter().map(|condition| condition.message.as_str());
    assert!(told.any(|message| message == withheld), "{:#?}", results.conditions);
    assert!(!ran.directory.join("notes.txt").exists());
    let events = fs::read_to_string(ran.directory.join("events.jsonl"))?;
    assert!(events.contains("<h1>[secret]</h1>"), "the front page was looked at");

    let forms = [(secret.clone(), "the secret"), (base64(&secret), "the secret in Base64")];
    for file in files(lab.path())? {
        let bytes = fs::read(&file)?;
        let text = String::from_utf8_lossy(&bytes);
        for (form, what) in &forms {
            assert_eq!(part_in(&text, form), None, "a part of {what} is in {}", file.display());
        }
    }
    assert!(part_in(&log, &shift(&secret)).is_some(), "what is there is found");
    Ok(())
}

/// A part of a word that tells too much of it.
fn part_in<'a>(text: &str, word: &'a str) -> Option<&'a str> {
    const LENGTH: usize = 12;
    let mut parts = (LENGTH..=word.len()).map(|end| &word[end - LENGTH..end]);
    parts.find(|part| text.contains(part))
}

/// ROT13: twice is the word itself.
fn shift(word: &str) -> String {
    let turn = |letter: char, first: u8| char::from((letter as u8 - first + 13) % 26 + first);
    let letters = word.chars().map(|letter| match letter {
        'a'..='z' => turn(letter, b'a'),
        'A'..='Z' => turn(letter, b'A'),
        other => other,
    });
    letters.collect()
}

/// RFC 4648, section 4, for a test that shall not use what it tests.
fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let padded = [chunk, &[0, 0]].concat();
        let bits = padded[..3].iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let letters = (0..=chunk.len()).map(|place| bits >> (18 - 6 * place) & 63);
        encoded.extend(letters.map(|letter| char::from(LETTERS[letter])));
    }
    encoded
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => all.extend(files(&entry.path())?),
            kind if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    Ok(all)
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    fs::write(path, content)
}
