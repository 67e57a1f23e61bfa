//! The last look before the log is sealed: every file of the run is read again, and one in which
//! a secret survived is withheld (RES-5). Everything cc-ci writes is scrubbed; tests of a pack
//! write into the run's directory, too.
//!
//! Tests: `tests/it/secrets.rs` of this crate.

use cc_ci_core::ports::RunStore;
use cc_ci_core::verdict::{FILES_NOT_READ_AGAIN, SECRET_SURVIVED};
use cc_ci_model::event::EventKind;
use cc_ci_model::plan::Finding;

use crate::journal::{Journal, JournalError};

/// Removes files with a secret in them, and says so in the log.
pub(crate) fn read_again(store: &dyn RunStore, journal: &Journal) -> Result<(), JournalError> {
    let unclean = match store.unclean() {
        Ok(unclean) => unclean,
        Err(error) => {
            let why = format!(
                "the files of the run could not be read again, so a secret may be in one: {error}: {}",
                error.source
            );
            return note(journal, Finding::new(FILES_NOT_READ_AGAIN, why, None));
        }
    };
    for name in unclean {
        let fate = match store.remove(&name) {
            Ok(()) => "it was removed".to_owned(),
            Err(error) => format!(
                "it could not be removed ({}): do not hand it on, and remove it",
                error.source
            ),
        };
        let why = format!("a secret of the run is in `{name}`: {fate}");
        note(journal, Finding::new(SECRET_SURVIVED, why, Some(name)))?;
    }
    Ok(())
}

fn note(journal: &Journal, finding: Finding) -> Result<(), JournalError> {
    journal.append(EventKind::Noted { finding })
}
