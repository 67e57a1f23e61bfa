//! Simulated volumes as the stage of their contracts.

use std::cell::Cell;
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{Snapshots, Volumes};
use cc_ci_model::intent::ObjectKind;
use cc_ci_testkit::contract::{snapshots, volumes};
use cc_ci_testkit::{FakeSnapshots, FakeSwarm, FakeVolumes, Faults};

pub(crate) struct Host {
    swarm: FakeSwarm,
    volumes: FakeVolumes,
    snapshots: FakeSnapshots,
    made: Cell<u32>,
}

impl Host {
    pub(crate) fn new() -> Self {
        let swarm = super::swarm();
        let faults = Arc::new(Faults::none());
        Self {
            volumes: FakeVolumes::new(swarm.clone(), faults.clone()),
            snapshots: FakeSnapshots::new(swarm.clone(), faults),
            swarm,
            made: Cell::new(0),
        }
    }
}

#[async_trait(?Send)]
impl volumes::Stage for Host {
    fn volumes(&self) -> &dyn Volumes {
        &self.volumes
    }

    async fn volume(&self) -> String {
        self.made.set(self.made.get() + 1);
        let name = format!("app_data_{}", self.made.get());
        self.swarm.foreign(ObjectKind::Volume, &name);
        name
    }

    fn somebody(&self) -> (u32, u32) {
        (12_345, 54_321)
    }
}

#[async_trait(?Send)]
impl snapshots::Stage for Host {
    fn snapshots(&self) -> &dyn Snapshots {
        &self.snapshots
    }

    fn volumes(&self) -> &dyn Volumes {
        &self.volumes
    }

    async fn volume(&self, name: &str) {
        self.swarm.foreign(ObjectKind::Volume, name);
    }

    async fn lose(&self, volume: &str, path: &str) {
        self.swarm.lose_file(volume, path);
    }

    fn somebody(&self) -> (u32, u32) {
        (12_345, 54_321)
    }
}
