//! What is not a run's own is never touched (ISO-4, TEAR-1).

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, Strangers, engine, is_enabled, is_long_enabled};

/// A volume, a network and a config, each by a name that does not carry the stack's.
const FIXED: [(&str, &str, &str); 3] = [
    ("volume", "\nvolumes:\n  data:\n", "\nvolumes:\n  data:\n    name: NAME\n"),
    ("network", "  internal:\n", "  internal:\n    name: NAME\n"),
    ("config", "    name: ${STACK_NAME}_worker_${WORKER_VERSION}\n", "    name: NAME\n"),
];

/// custom-data with a fixed name for one of its objects.
fn with_fixed_name(lab: &Lab, of: usize, name: &str) -> Result<std::path::PathBuf> {
    let (kind, replace, with) = FIXED[of];
    let with = with.replace("NAME", name);
    let change = Change { tree: "head", file: "compose.yml", replace, with: &with };
    lab.recipe_with("custom-data", kind, &[change])
}

/// Unlike any other test's, and any other run's of this one.
fn unique(lab: &Lab, word: &str) -> String {
    let folder = lab.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    format!("{}-{word}", folder.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

/// Found in the lab: the volume of another stack was mounted, and its data written over.
#[test]
fn incident_a_fixed_volume_name_mounts_a_strangers_data() -> Result<()> {
    if !is_enabled("incident_a_fixed_volume_name_mounts_a_strangers_data") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut strangers = Strangers::new();
    for (of, (kind, ..)) in FIXED.into_iter().enumerate() {
        let name = unique(&lab, kind);
        match kind {
            "volume" => strangers.volume(&name, None),
            "network" => strangers.network(&name),
            _ => strangers.config(&name),
        }
        let recipe = with_fixed_name(&lab, of, &name)?;
        let ran = lab.run(&recipe, &format!("run-{kind}"), &["--stages", "install"])?;
        ran.exited(4).left_nothing();
        let results = ran.results()?;
        let reason = results.conditions[0].message.clone();
        assert!(reason.contains(&name) && reason.contains("not this run's"), "{reason}");
        assert!(ran.log().events("intended").is_empty(), "nothing was to be created");
        strangers.are_untouched();
    }
    Ok(())
}

/// Found in the lab: a volume whose driver options lead to a folder of the host was used as it is,
/// so that markers were written into the folder and what was in it could get lost.
#[test]
fn incident_a_volume_that_leads_to_a_folder_of_the_host() -> Result<()> {
    if !is_enabled("incident_a_volume_that_leads_to_a_folder_of_the_host") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let folder = precious(&lab)?;
    let options = format!("driver_opts: {{type: none, o: bind, device: {}}}", folder.display());
    let with = format!("\nvolumes:\n  data:\n    {options}\n");
    let replace = "\nvolumes:\n  data:\n";
    let change = Change { tree: "head", file: "compose.yml", replace, with: &with };
    let recipe = lab.recipe_with("custom-data", "bound", &[change])?;
    let ran = lab.run(&recipe, "run", &["--stages", "install,upgrade"])?;
    ran.exited(4).left_nothing();
    let reason = ran.results()?.conditions[0].message.clone();
    for word in ["volume data", &folder.display().to_string(), "compose.yml:", "[app.env]"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    assert!(ran.log().events("intended").is_empty(), "nothing was to be created");
    assert_eq!(files_in(&folder)?, ["precious"]);
    Ok(())
}

/// What a service writes to a path of the host is its own business; what cc-ci plants, changes and
/// puts back goes into volumes only.
#[test]
fn a_path_of_the_host_gets_nothing_of_ours() -> Result<()> {
    if !is_long_enabled("a_path_of_the_host_gets_nothing_of_ours") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let folder = precious(&lab)?;
    let replace = "    configs:\n      - source: default_conf\n";
    let with = format!("      - {}:/usr/share/nginx/host\n{replace}", folder.display());
    let change = |tree| Change { tree, file: "compose.yml", replace, with: &with };
    let trees = ["1.2.0+1.28.0", "head"].map(change);
    let recipe = lab.recipe_with("custom-html", "bound", &trees)?;
    let ran = lab.run(&recipe, "run", &["--stages", "upgrade,backup,restore"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    let path = folder.display().to_string();
    let is_told = |text: &str| text.contains("service app") && text.contains(&path);
    assert!(results.warnings.iter().any(|it| it.code == "host_path" && is_told(&it.message)));
    assert!(
        results.does_not_prove.iter().any(|text| is_told(text)),
        "{:?}",
        results.does_not_prove
    );
    assert_eq!(files_in(&folder)?, ["precious"]);
    Ok(())
}

/// A folder of the host with a file in it.
#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn precious(lab: &Lab) -> Result<std::path::PathBuf> {
    let folder = lab.path().join("host");
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("precious"), "theirs")?;
    Ok(folder)
}

/// What is in it, and that the one file is as it was.
fn files_in(folder: &std::path::Path) -> Result<Vec<String>> {
    assert_eq!(std::fs::read_to_string(folder.join("precious"))?, "theirs");
    let names = std::fs::read_dir(folder)?.map(|entry| entry.map(|it| it.file_name()));
    let names: std::io::Result<Vec<_>> = names.collect();
    Ok(names?.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// Docker's own naming makes `<stack>_x` look like a part of `<stack>`, and a stack of the same
/// slug differs in six digits only.
#[test]
fn look_alikes_are_never_touched() -> Result<()> {
    if !is_enabled("look_alikes_are_never_touched") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-data")?;
    let mut run = lab.start(&recipe, "run", &["--stages", "install"])?;
    let log = run.wait_until("a plan", |log| !log.stacks().is_empty());
    let stack = &log.stacks()[0];
    let other = format!("{}_{}", &stack[..stack.len() - "_ccci_test".len()], "other");
    let mut strangers = Strangers::new();
    strangers.volume(&format!("{stack}_theirs"), None);
    strangers.volume(&format!("{stack}_data2"), Some(&other));
    strangers.volume(&format!("{other}_data"), Some(&other));
    strangers.network(&format!("{stack}_theirs"));
    strangers.secret(&format!("{stack}_theirs_v1"));
    strangers.config(&format!("{stack}_entrypoint_v9"));
    strangers.service(&format!("{stack}_theirs"), &other);
    let ran = run.finish()?;
    ran.exited(0).left_nothing();
    strangers.are_untouched();
    Ok(())
}

/// A name that is free is used, and what was made under it goes.
#[test]
fn what_a_run_made_under_a_fixed_name_goes() -> Result<()> {
    if !is_long_enabled("what_a_run_made_under_a_fixed_name_goes") {
        return Ok(());
    }
    let lab = Lab::new()?;
    for (of, (kind, ..)) in FIXED.into_iter().enumerate() {
        let name = unique(&lab, kind);
        let recipe = with_fixed_name(&lab, of, &name)?;
        let ran = lab.run(&recipe, &format!("run-{kind}"), &["--stages", "install"])?;
        ran.exited(0).left_nothing();
        assert!(!engine::object_exists(kind, &name), "{kind} {name}");
    }
    Ok(())
}

/// Found in the lab: on a shared network the alias `app` answers for every stack, and one run
/// talked to another run's app.
#[test]
fn incident_the_alias_app_answers_for_another_stack() -> Result<()> {
    if !is_long_enabled("incident_the_alias_app_answers_for_another_stack") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html")?;
    let start = |out: &str| lab.start(&recipe, out, &["--stages", "install", "--keep"]);
    let mut runs = [start("one")?, start("two")?];
    let kept =
        runs.each_mut().map(|run| run.wait_until("an answer", |log| log.has_begun("answer", None)));
    let addresses = kept.map(|log| {
        let label = format!("label=com.docker.stack.namespace={}", log.stacks()[0]);
        let container = engine::docker(&["ps", "--quiet", "--filter", &label]);
        engine::docker(&["exec", &container, "getent", "ahostsv4", "app"])
    });
    for run in runs {
        let ran = run.finish()?;
        ran.exited(0);
        lab.cc_ci(&["cleanup", &ran.directory.display().to_string()])?.exited(0);
        assert_eq!(engine::leftovers(&ran.log().run_id(), &ran.log().stacks()), [""; 0]);
    }
    for address in &addresses {
        let all: std::collections::BTreeSet<_> =
            address.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(all.len(), 1, "{address}");
    }
    Ok(())
}
