//! A run up to one piece of evidence, and what that means: for the tests of this room.

use cc_ci_model::backup::{KeptMarker, MarkerFile};
use cc_ci_model::event::EventKind;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::plan::Plan;
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::numbered;

use crate::state::RunState;
use crate::state::tests::planned;

/// A run so far.
pub(super) struct Scene {
    plan: Plan,
    kinds: Vec<EventKind>,
}

impl Scene {
    pub(super) fn of(plan: Plan) -> Self {
        let kinds = vec![planned(&plan)];
        Self { plan, kinds }
    }

    /// A stage that ended, about the app on which the plan's later stages run.
    pub(super) fn stage(
        mut self,
        stage: Stage,
        acts: impl IntoIterator<Item = (Act, Evidence)>,
    ) -> Self {
        let app = self.plan.apps.iter().rfind(|app| !app.contingent).map(|app| app.id.clone());
        self.kinds.push(EventKind::StageBegan { stage, app });
        for (act, evidence) in acts {
            self.kinds.push(EventKind::ActBegan { act, deadline: Timestamp::default() });
            self.kinds.push(EventKind::ActEnded { evidence: Box::new(evidence) });
        }
        self.kinds.push(EventKind::StageEnded);
        self
    }

    /// What the last act's evidence means, a line for each check and warning.
    pub(super) fn told(&self) -> Vec<String> {
        let state = RunState::of(&numbered(self.kinds.clone()));
        let act = state.stages.last().and_then(|run| run.acts.last()).expect("an act");
        let checks = act.checks.iter().map(|check| {
            format!("{} {}: {}", check.outcome.status().as_str(), check.name, check.detail)
        });
        let warnings =
            act.warnings.iter().map(|found| format!("warning {}: {}", found.code, found.message));
        checks.chain(warnings).collect()
    }
}

/// A marker as it was planted: `volume` and `path`, a nonce of its own.
pub(super) fn planted(volume: &str, path: &str, backed_up: bool) -> KeptMarker {
    let nonce = format!("nonce of {volume}/{path}");
    let xattrs = Some(vec!["user.cc-ci=00".to_owned()]);
    let file = MarkerFile { content: nonce.clone(), uid: 33, gid: 33, mode: 0o640, xattrs };
    let (volume, path) = (volume.to_owned(), path.to_owned());
    KeptMarker { volume, path, nonce, backed_up, file: Some(file), problem: None }
}

/// The same marker with another file.
pub(super) fn changed(marker: &KeptMarker, change: impl FnOnce(&mut MarkerFile)) -> KeptMarker {
    let mut marker = marker.clone();
    if let Some(file) = &mut marker.file {
        change(file);
    }
    marker
}

/// The same marker, gone.
pub(super) fn gone(marker: &KeptMarker) -> KeptMarker {
    KeptMarker { file: None, ..marker.clone() }
}

/// The same marker, not to be read.
pub(super) fn unreadable(marker: &KeptMarker) -> KeptMarker {
    KeptMarker { problem: Some("input/output error".into()), ..gone(marker) }
}
