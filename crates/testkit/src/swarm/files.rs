//! Files inside simulated containers. What is written below a mount is in the volume, and outlives
//! the container; everything else is in the container's own layer.

use cc_ci_core::ports::EngineError;

use super::sim::{Container, Sim};

impl Sim {
    /// Writes a file.
    pub(super) fn put_file(
        &mut self,
        container: &str,
        path: &str,
        content: &[u8],
    ) -> Result<(), EngineError> {
        let place = self.place_of(container, path)?;
        self.files.insert(place, content.to_vec());
        Ok(())
    }

    /// Reads a file.
    pub(super) fn get_file(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let place = self.place_of(container, path)?;
        Ok(self.files.get(&place).cloned())
    }

    fn place_of(&self, container: &str, path: &str) -> Result<(String, String), EngineError> {
        let known = self.containers.iter().find(|known| known.id == container);
        let Some(known) = known else {
            return Err(EngineError::Refused {
                operation: format!("open {path} in container {container}"),
                status: 404,
                message: format!("No such container: {container}"),
            });
        };
        Ok(known.place_of(path))
    }
}

impl Container {
    /// The volume (or the container itself) a path is in, and the path in there.
    fn place_of(&self, path: &str) -> (String, String) {
        let anonymous = self.anonymous.iter().map(|volume| (&volume.name, &volume.target));
        let mounts = self.volumes.iter().map(|(name, target)| (name, target)).chain(anonymous);
        let inside = mounts.filter_map(|(name, target)| {
            let rest = path.strip_prefix(target.trim_end_matches('/'))?;
            rest.starts_with('/').then(|| (target.len(), name.clone(), rest.to_owned()))
        });
        match inside.max() {
            Some((_, name, rest)) => (name, rest),
            None => (self.id.clone(), path.to_owned()),
        }
    }
}
