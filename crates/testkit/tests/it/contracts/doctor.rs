//! What `cc-ci doctor` looks at, as the stage of its contracts.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use cc_ci_core::ports::{EngineView, HostView, RunTrace, StateView, Trace};
use cc_ci_model::event::Event;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_testkit::contract::{engine_view, host_view, state_view};
use cc_ci_testkit::{FakeEngine, FakeHost, FakeState, Fault, Faults};

pub(crate) struct Engine(FakeEngine);

impl Engine {
    pub(crate) fn new() -> Self {
        Self(FakeEngine::new(Arc::new(Faults::none())))
    }
}

#[async_trait(?Send)]
impl engine_view::Stage for Engine {
    fn engine(&self) -> &dyn EngineView {
        &self.0
    }

    fn away(&self) -> Box<dyn EngineView> {
        let faults = Arc::new(Faults::none());
        faults.arm(1, Fault::Fail);
        Box::new(FakeEngine::new(faults))
    }

    /// This fake is told what carries a label: the volume is not among it.
    async fn mark(&self) -> (String, [String; 3]) {
        let run = "20000101T000000-contract-0a1b2c".to_owned();
        let object = |kind, name: &str| Object {
            kind,
            id: name.to_owned(),
            name: name.to_owned(),
            stack: None,
            run: Some(run.clone()),
        };
        let marked = vec![object(ObjectKind::Network, "net"), object(ObjectKind::Secret, "word")];
        *self.0.marked.lock().unwrap_or_else(PoisonError::into_inner) = marked;
        (run, ["net", "word", "data"].map(str::to_owned))
    }
}

pub(crate) struct Host {
    host: FakeHost,
    strict: FakeHost,
}

impl Host {
    pub(crate) fn new() -> Self {
        let strict = FakeHost::new();
        strict.odd.lock().unwrap_or_else(PoisonError::into_inner).denied =
            Some("Permission denied".into());
        Self { host: FakeHost::new(), strict }
    }
}

impl host_view::Stage for Host {
    fn host(&self) -> &dyn HostView {
        &self.host
    }

    fn folder(&self) -> PathBuf {
        "/var/lib/cc-ci".into()
    }

    fn refused(&self) -> (&dyn HostView, PathBuf) {
        (&self.strict, "/root".into())
    }
}

pub(crate) struct State(FakeState);

impl State {
    pub(crate) fn new() -> Self {
        Self(FakeState::new())
    }
}

impl state_view::Stage for State {
    fn state(&self) -> &dyn StateView {
        &self.0
    }

    fn add(&self, name: &str, log: Option<&[Event]>) {
        let trace = log.map_or(Trace::Alive, |log| Trace::Log(log.to_vec()));
        let path = self.0.folder().join("runs").join(name).display().to_string();
        let run = RunTrace { name: name.to_owned(), path, trace };
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
    }
}
