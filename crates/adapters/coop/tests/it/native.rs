//! What the docker CLI is given, and what stays of it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cc_ci_coop::NativeDeployer;
use cc_ci_core::compose::ComposeText;
use cc_ci_core::ports::{Clock as _, DeployRequest, Deployer as _};
use cc_ci_host::{HostCommands, SystemClock};
use tempfile::TempDir;

use crate::repository::write;

/// A `docker` that tells its arguments and what is in each file it is given.
const DOCKER: &str =
    "#!/bin/sh\nfor word; do echo \"$word\"; test -f \"$word\" && cat \"$word\"; done; exit 0\n";

struct Place {
    folder: TempDir,
    deployer: NativeDeployer,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let docker = folder.path().join("bin/docker");
        write(&docker, DOCKER);
        std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755))
            .expect("it can be made a program");
        let overlays = folder.path().join("overlays");
        std::fs::create_dir(&overlays).expect("a folder for overlays");
        let path = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
        let environment = BTreeMap::from([("PATH".to_owned(), path)]);
        let commands = Arc::new(HostCommands::new(None).expect("/proc can be read"));
        Self { deployer: NativeDeployer::new(commands, &overlays, environment), folder }
    }

    /// What `docker` was told, with the place's own folder left out.
    async fn told(&self, files: &[&str], before: Option<&str>) -> String {
        let checkout = self.folder.path().join("checkout");
        for file in files {
            write(&checkout.join(file), &format!("# {file}\n"));
        }
        let request = DeployRequest {
            stack: "st".parse().expect("a stack name"),
            directory: checkout,
            compose_files: files.iter().map(|file| (*file).to_owned()).collect(),
            overlay_before: before.map(str::to_owned),
            overlays: vec![ComposeText { name: "small.yml".into(), text: "# small.yml\n".into() }],
            overlay: "# last\n".to_owned(),
            env: BTreeMap::new(),
            deadline: SystemClock::new().now().plus(Duration::from_secs(30)),
        };
        let answer = self.deployer.deploy(&request).await.expect("docker can be run");
        assert_eq!(answer.exit_code, Some(0), "{}", answer.said);
        answer.said.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("it is a folder")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_are_given_in_the_order_in_which_they_are_merged() {
    let place = Place::new();
    let told = place.told(&["compose.yml", "compose.mail.yml"], None).await;
    let order: Vec<&str> = told.split("--compose-file\n").skip(1).map(str::trim).collect();
    assert_eq!(
        order,
        [
            "checkout/compose.yml\n# compose.yml",
            "checkout/compose.mail.yml\n# compose.mail.yml",
            "overlays/st.pack-0.yml\n# small.yml",
            "overlays/st.overlay.yml\n# last\nst",
        ]
    );
}

/// Docker takes relative paths to start from the folder of the first file; and a file that stays
/// in a checkout has blocked the next one before (incident: mumble).
#[tokio::test]
async fn what_comes_first_lies_beside_the_first_file_and_does_not_stay() {
    let place = Place::new();
    let told = place.told(&["sub/compose.yml", "compose.yml"], Some("# first\n")).await;
    let order: Vec<&str> = told.lines().filter(|line| line.contains(".yml")).collect();
    assert!(order[0].starts_with("checkout/sub/.cc-ci.st.yml"), "{told}");
    assert!(told.contains("# first") && told.contains("# last"), "{told}");
    let at = |text: &str| told.find(text).unwrap();
    assert!(at("# first") < at("# sub/compose.yml") && at("# compose.yml") < at("# last"));
    assert_eq!(names(&place.folder.path().join("checkout/sub")), ["compose.yml"]);
    assert_eq!(names(&place.folder.path().join("checkout")), ["compose.yml", "sub"]);
}
