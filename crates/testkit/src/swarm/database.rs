//! A database in a simulated container, as far as markers need one: each value is a file of the
//! service's first volume, so that whatever happens to the volume happens to the rows.

use cc_ci_core::data_markers::COMMAND_NAME;
use cc_ci_core::ports::ExecOutput;

use super::files::plain;
use super::sim::Sim;

impl Sim {
    /// How a command of a marker ends; `None` when it is none.
    pub(super) fn run_marker(&mut self, container: &str, command: &[String]) -> Option<ExecOutput> {
        let [_, _, _, name, verb, rest @ ..] = command else { return None };
        let (Some(database), Some(value)) = (rest.first(), rest.get(1)) else { return None };
        if name != COMMAND_NAME {
            return None;
        }
        let volume = self.first_volume(container)?;
        let row = format!("rows/{database}.row");
        let said = match verb.as_str() {
            "list" => "ccci-database:app\n".to_owned(),
            "check" => match self.file(&volume, &row) {
                Some(file) => format!("ccci-value:{}\n", String::from_utf8_lossy(&file.content)),
                None => "ccci-none\n".to_owned(),
            },
            _ => {
                self.put(&volume, &row, plain(value.as_bytes()));
                String::new()
            }
        };
        Some(ExecOutput { code: Some(0), said })
    }

    fn first_volume(&self, container: &str) -> Option<String> {
        let known = self.containers.iter().find(|known| known.id == container)?;
        known.volumes.first().map(|(volume, _)| volume.clone())
    }
}
