//! The user's registry logins, read where the docker CLI keeps them.
//!
//! Tests: at the end of this file, with a helper of their own; the format in `core::images`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cc_ci_core::images::{CredentialsError, Login, Logins, Source};
use cc_ci_core::ports::{Clock, CommandLine, Commands};

/// A helper may ask the user something; in a run there is nobody to answer.
const HELPER: Duration = Duration::from_secs(10);

/// The logins of the user cc-ci runs as.
#[derive(Clone)]
pub struct Credentials {
    commands: Arc<dyn Commands>,
    clock: Arc<dyn Clock>,
    /// Docker's configuration folder.
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Credentials {
    /// Logins kept in `folder`, e.g. `~/.docker`. Credential helpers are found on `PATH` of
    /// `environment` and get all of it.
    pub fn new(
        commands: Arc<dyn Commands>,
        clock: Arc<dyn Clock>,
        folder: &Path,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { commands, clock, folder: folder.to_owned(), environment }
    }

    /// The login for a registry, read anew each time: people log in while a run waits.
    pub(crate) async fn login(&self, registry: &str) -> Result<Option<Login>, CredentialsError> {
        let text = match std::fs::read_to_string(self.folder.join("config.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(CredentialsError::Config { line: 0, column: 0 }),
        };
        match Logins::parse(&text)?.find(registry)? {
            Source::Nowhere => Ok(None),
            Source::File(login) => Ok(Some(login)),
            Source::Helper { program, registry } => self.ask(program, &registry).await,
        }
    }

    async fn ask(
        &self,
        program: String,
        registry: &str,
    ) -> Result<Option<Login>, CredentialsError> {
        let command = CommandLine {
            program: program.clone(),
            arguments: vec!["get".to_owned()],
            environment: self.environment.clone(),
            directory: self.folder.clone(),
            input: registry.as_bytes().to_vec(),
            deadline: self.clock.now().plus(HELPER),
        };
        match self.commands.run(&command).await {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                let code = output.code.filter(|_| !output.expired);
                Login::given_by(&program, registry, code, &said)
            }
            Err(error) => Err(CredentialsError::Helper {
                helper: program,
                registry: registry.to_owned(),
                message: error.message,
            }),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("folder", &self.folder).finish_non_exhaustive()
    }
}
