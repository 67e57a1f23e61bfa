//! The native deployer: the docker CLI merges the recipe's compose files and our overlay, and
//! submits the stack (IN-6). Nothing of this host's environment reaches interpolation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{
    CommandLine, Commands, DeployAnswer, DeployRequest, Deployer, DeployerError,
};

/// Deploys with `docker stack deploy`.
pub struct NativeDeployer {
    commands: Arc<dyn Commands>,
    /// Where overlays are written, one for each stack.
    overlays: PathBuf,
    /// What the docker CLI itself needs: `PATH`, `HOME`, `DOCKER_HOST`, `DOCKER_CONFIG`.
    environment: BTreeMap<String, String>,
}

impl NativeDeployer {
    /// A deployer that keeps its overlays in `overlays`, which must exist.
    pub fn new(
        commands: Arc<dyn Commands>,
        overlays: &Path,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { commands, overlays: overlays.to_owned(), environment }
    }

    /// The files docker merges, in order, and the one that has to go again. The docker CLI takes
    /// relative paths in all of them from the folder of the first.
    fn files(&self, request: &DeployRequest) -> Result<(Vec<PathBuf>, Borrowed), DeployerError> {
        let own: Vec<PathBuf> =
            request.compose_files.iter().map(|file| request.directory.join(file)).collect();
        let before = Borrowed(request.overlay_before.as_ref().map(|_| place_before(request, &own)));
        let mut files = Vec::new();
        if let (Some(path), Some(text)) = (&before.0, &request.overlay_before) {
            write(path, text)?;
            files.push(path.clone());
        }
        files.extend(own);
        for (name, text) in overlays_last(request) {
            let path = self.overlays.join(name);
            write(&path, text)?;
            files.push(path);
        }
        Ok((files, before))
    }
}

/// The pack's overlays and the generated one, in merge order, with the names they get.
fn overlays_last(request: &DeployRequest) -> impl Iterator<Item = (String, &str)> {
    let stack = &request.stack;
    let of_pack = request.overlays.iter().enumerate();
    of_pack
        .map(move |(place, file)| (format!("{stack}.pack-{place}.yml"), file.text.as_str()))
        .chain(std::iter::once((format!("{stack}.overlay.yml"), request.overlay.as_str())))
}

/// Docker takes relative paths to start from the folder of the first file, so ours lies beside the
/// recipe's first one. The checkout is this run's own, and no recipe has a file of that name.
fn place_before(request: &DeployRequest, own: &[PathBuf]) -> PathBuf {
    let folder = own.first().and_then(|file| file.parent()).unwrap_or(&request.directory);
    folder.join(format!(".cc-ci.{}.yml", request.stack))
}

/// A file in the recipe's checkout, gone as soon as docker has read it.
struct Borrowed(Option<PathBuf>);

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Should it stay, the next checkout removes it.
            drop(std::fs::remove_file(path));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an overlay is an input of the docker CLI, not a result of the run: it is made anew before each deploy"
)]
fn write(path: &Path, text: &str) -> Result<(), DeployerError> {
    std::fs::write(path, text).map_err(|error| DeployerError {
        program: "docker".to_owned(),
        message: format!("cannot write {}: {error}", path.display()),
    })
}

#[async_trait]
impl Deployer for NativeDeployer {
    async fn deploy(&self, request: &DeployRequest) -> Result<DeployAnswer, DeployerError> {
        let (files, _before) = self.files(request)?;
        let mut arguments = vec!["stack".to_owned(), "deploy".to_owned()];
        for file in files {
            arguments.extend(["--compose-file".to_owned(), file.display().to_string()]);
        }
        arguments.push(request.stack.to_string());
        // The app's variables first: none of them may replace one the CLI itself reads.
        let mut environment = request.env.clone();
        environment.extend(self.environment.clone());
        let command = CommandLine {
            program: "docker".to_owned(),
            arguments,
            environment,
            directory: request.directory.clone(),
            input: Vec::new(),
            deadline: request.deadline,
        };
        let output = self
            .commands
            .run(&command)
            .await
            .map_err(|error| DeployerError { program: error.program, message: error.message })?;
        let streams = [output.stdout, output.stderr];
        let said: Vec<String> = streams
            .iter()
            .map(|stream| String::from_utf8_lossy(stream).trim().to_owned())
            .collect();
        Ok(DeployAnswer {
            exit_code: output.code.filter(|_| !output.expired),
            said: said.join("\n").trim().to_owned(),
        })
    }
}

impl std::fmt::Debug for NativeDeployer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeDeployer").field("overlays", &self.overlays).finish_non_exhaustive()
    }
}
