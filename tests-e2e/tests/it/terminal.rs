//! What somebody at a terminal sees, and what becomes of the commands they are told (RES-8).
#![expect(clippy::disallowed_methods, reason = "commands are put together as a user does")]

use anyhow::{Context as _, Result};
use cc_ci_e2e::{Change, Lab, Shown, engine, in_terminal, is_enabled};

/// A line of shell that runs the binary under test.
fn cc_ci(arguments: &str) -> Result<String> {
    let binary = std::env::var("CC_CI_BIN").context("CC_CI_BIN must name the built cc-ci")?;
    Ok(format!("{binary} {arguments}"))
}

fn show(lab: &Lab, columns: usize, line: &str) -> Result<Shown> {
    let state = lab.state().display().to_string();
    in_terminal(lab.path(), &[("CC_CI_STATE", &state)], columns, line)
}

#[test]
fn a_terminal_shows_one_live_line() -> Result<()> {
    if !is_enabled("a_terminal_shows_one_live_line") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html-tiny")?.display().to_string();
    let line = cc_ci(&format!("run {recipe} --stages install 2>&1 >/dev/null"))?;
    let shown = show(&lab, 60, &line)?;
    assert_eq!(shown.exit, Some(0), "{}", shown.raw);
    // It says what it waits for, in one row however long that is.
    let waits = |part: &str| shown.frames.iter().any(|frame| frame.contains(part));
    assert!(waits("install fresh: settling, "), "{:#?}", shown.frames);
    assert!(waits(": service app: "), "{:#?}", shown.frames);
    assert!(waits(": everything runs"), "{:#?}", shown.frames);
    let too_wide = shown.frames.iter().find(|frame| frame.chars().count() > 59);
    assert_eq!(too_wide, None);
    // An ended stage is one row, and nothing of the live line stays.
    let rows: Vec<&str> = shown.rows.iter().map(String::as_str).collect();
    let [planned, install, teardown] = rows.as_slice() else { panic!("{rows:#?}") };
    assert!(planned.starts_with("run "), "{rows:#?}");
    assert!(install.starts_with("✓ install    fresh     passed after "), "{rows:#?}");
    assert!(teardown.starts_with("✓ teardown   fresh     passed after "), "{rows:#?}");
    // The cursor was not hidden, so nothing has to bring it back.
    assert!(!shown.raw.contains("\u{1b}[?25l"));
    Ok(())
}

#[test]
fn what_is_no_terminal_gets_plain_lines() -> Result<()> {
    if !is_enabled("what_is_no_terminal_gets_plain_lines") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html-tiny")?;
    let state = lab.state().display().to_string();
    let line = cc_ci(&format!("run {} --stages install --output human", recipe.display()))?;
    let dumb = [("CC_CI_STATE", state.as_str()), ("TERM", "dumb")];
    let pipeline = [("CC_CI_STATE", state.as_str()), ("CI", "true"), ("NO_COLOR", "1")];
    for environment in [dumb.as_slice(), pipeline.as_slice()] {
        let shown = in_terminal(lab.path(), environment, 60, &line)?;
        assert_eq!(shown.exit, Some(0), "{}", shown.raw);
        assert!(!shown.raw.contains('\u{1b}'), "{}", shown.raw);
        let text = shown.raw.replace("\r\n", "\n");
        assert!(!text.contains('\r'), "{text:?}");
        assert!(text.contains("waiting until the stack has converged (deadline "), "{text}");
    }
    Ok(())
}

/// The commands below a title of a report.
fn commands(report: &str) -> Vec<String> {
    let text = report.replace("\r\n", "\n");
    let below = text.split("\nto look closer\n").nth(1).unwrap_or_default();
    let section = below.split("\n\n").next().unwrap_or_default();
    let lines = section.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// An app that runs and never answers: nothing listens where its label says.
fn deaf(lab: &Lab) -> Result<String> {
    let changes = [Change {
        tree: "head",
        file: "compose.yml",
        replace: "loadbalancer.server.port=80",
        with: "loadbalancer.server.port=81",
    }];
    let recipe = lab.recipe_with("custom-html-tiny", "it's deaf", &changes)?;
    let pack = lab.path().join("a pack");
    std::fs::create_dir(&pack)?;
    let told = "recipe = 'custom-html-tiny'\n[timeouts]\ndeploy = '20s'\n";
    std::fs::write(pack.join("recipe.toml"), told)?;
    let path = recipe.strip_prefix(lab.path())?.display().to_string().replace('\'', r"'\''");
    Ok(format!("run '{path}' --pack 'a pack' --stages install"))
}

#[test]
fn the_commands_of_a_red_run_work_as_they_are() -> Result<()> {
    if !is_enabled("the_commands_of_a_red_run_work_as_they_are") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let plain = |line: &str| show(&lab, 200, &format!("export NO_COLOR=1 PAGER=cat; {line}"));
    let red = plain(&cc_ci(&deaf(&lab)?)?)?;
    assert_eq!(red.exit, Some(1), "{}", red.raw);
    let told = commands(&red.raw);
    let [explain, less, again] = told.as_slice() else { panic!("{told:#?}\n{}", red.raw) };
    let explained = plain(explain)?;
    assert_eq!(explained.exit, Some(0), "{}", explained.raw);
    assert!(explained.raw.contains("✗ answer: "), "{}", explained.raw);
    // A pager waits for keys: what it is given has to be there.
    let log = plain(&less.replacen("less", "cat", 1))?;
    assert_eq!(log.exit, Some(0), "{less}: {}", log.raw);
    assert!(log.raw.contains("static-web"), "{}", log.raw);
    // The same again keeps the app, and tells what can be asked of it.
    assert!(again.ends_with(" --stages install --keep"), "{again}");
    let kept = plain(again)?;
    assert_eq!(kept.exit, Some(1), "{}", kept.raw);
    let told = commands(&kept.raw);
    let docker: Vec<&String> = told.iter().filter(|line| line.starts_with("docker ")).collect();
    let [tasks, logs, shell] = docker.as_slice() else { panic!("{told:#?}\n{}", kept.raw) };
    for (line, part) in [(tasks, "Running"), (logs, "static-web")] {
        let asked = plain(line)?;
        assert_eq!(asked.exit, Some(0), "{line}: {}", asked.raw);
        assert!(asked.raw.contains(part), "{line}: {}", asked.raw);
    }
    let shell = shell.strip_suffix(" sh").context("the last word is the shell")?;
    let inside = plain(&format!("{shell} hostname"))?;
    assert_eq!(inside.exit, Some(0), "{shell}: {}", inside.raw);
    remove(&kept, &plain)
}

/// The command that removes what was kept works too.
fn remove(kept: &Shown, plain: &dyn Fn(&str) -> Result<Shown>) -> Result<()> {
    let text = kept.raw.replace("\r\n", "\n");
    let command = text.split("to remove it: ").nth(1).and_then(|rest| rest.lines().next());
    let removed = plain(command.context("no command to remove it")?)?;
    assert_eq!(removed.exit, Some(0), "{}", removed.raw);
    let stack = text.split("kept as asked: service ").nth(1).context("nothing was kept")?;
    let service = stack.split([',', '\n']).next().unwrap_or_default();
    assert!(!engine::object_exists("service", service), "{service}");
    Ok(())
}
