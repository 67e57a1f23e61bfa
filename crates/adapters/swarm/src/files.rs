//! Files inside containers, through the engine's archives.
//!
//! The engine sees a container's mounts there, but not its tmpfs.
//!
//! Tests: against a real engine in `tests/it/main.rs`.

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::models::{ChangeType, FilesystemChange};
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use cc_ci_core::ports::{EngineError, Files};
use futures_util::StreamExt;

use crate::client::Swarm;
use crate::error::{engine_error, unreachable};
use crate::tar::{First, first, pack};

/// The largest file that is read, and what an archive of it may have besides.
const FILE_BYTES: usize = 1 << 20;
const ARCHIVE_EXTRA_BYTES: usize = 64 << 10;
/// Bits of a Go file mode that only something else than a regular file has (Go, `io/fs`:
/// directory, link, device, pipe, socket, character device, irregular).
const NO_REGULAR_FILE: u32 = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;

const TOO_LARGE: &str = "the file is larger than a megabyte";

#[async_trait]
impl Files for Swarm {
    async fn put(
        &self,
        container: &str,
        folder: &str,
        name: &str,
        content: &[u8],
    ) -> Result<(), EngineError> {
        let operation = format!("write `{folder}/{name}` in container {container}");
        let archive =
            pack(name, content).map_err(|error| refused(&operation, 400, &error.to_string()))?;
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        self.docker
            .upload_to_container(container, Some(options), bollard::body_full(archive.into()))
            .await
            .map_err(|error| engine_error(&operation, &error))
    }

    async fn get(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, EngineError> {
        let operation = format!("read `{path}` in container {container}");
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut parts = self.docker.download_from_container(container, Some(options)).boxed();
        let mut archive = Vec::new();
        while let Some(part) = parts.next().await {
            match part {
                Ok(part) => archive.extend_from_slice(&part),
                Err(error) if says_no_file(&error) => return Ok(None),
                Err(error) => return Err(engine_error(&operation, &error)),
            }
            if archive.len() > FILE_BYTES + ARCHIVE_EXTRA_BYTES {
                return Err(refused(&operation, 413, TOO_LARGE));
            }
        }
        match first(&archive) {
            Ok(First::File(content)) if content.len() <= FILE_BYTES => Ok(Some(content)),
            Ok(First::File(_)) => Err(refused(&operation, 413, TOO_LARGE)),
            Ok(First::Other) => Err(refused(&operation, 400, "it is no regular file")),
            Err(error) => Err(unreachable(&operation, &format!("the archive is broken: {error}"))),
        }
    }

    async fn changed(&self, container: &str) -> Result<Vec<String>, EngineError> {
        let operation = format!("list the changes of container {container}");
        let changes = self.docker.container_changes(container).await;
        let changes = changes.map_err(|error| engine_error(&operation, &error))?;
        let is_there = |change: &FilesystemChange| change.kind != ChangeType::_2;
        let there = changes.unwrap_or_default().into_iter().filter(is_there);
        Ok(there.map(|change| change.path).collect())
    }

    async fn size(&self, container: &str, path: &str) -> Result<Option<u64>, EngineError> {
        let operation = format!("look at `{path}` in container {container}");
        let options = ContainerArchiveInfoOptionsBuilder::default().path(path).build();
        match self.docker.get_container_archive_info(container, Some(options)).await {
            Ok(seen) if seen.file_mode & NO_REGULAR_FILE == 0 => {
                Ok(Some(u64::try_from(seen.size).unwrap_or_default()))
            }
            Ok(_) => Ok(None),
            Err(error) if says_nothing_there(&error) => Ok(None),
            Err(error) => Err(engine_error(&operation, &error)),
        }
    }
}

/// A HEAD request is answered without words, so a missing container is no file either.
fn says_nothing_there(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// The engine answers 404 for a missing container too: that is no missing file.
fn says_no_file(error: &Error) -> bool {
    matches!(
        error,
        Error::DockerResponseServerError { status_code: 404, message }
            if message.starts_with("Could not find the file")
    )
}

/// A refusal of our own, told like the engine's.
fn refused(operation: &str, status: u16, message: &str) -> EngineError {
    EngineError::Refused { operation: operation.to_owned(), status, message: message.to_owned() }
}
