//! The adapter keeps what its ports promise; the fakes' half is in `testkit/tests/it`.

use std::cell::Cell;
use std::fs;

use async_trait::async_trait;
use cc_ci_core::ports::{Snapshots, Volumes};
use cc_ci_testkit::contract::{self, snapshots, volumes};

use crate::support::{Host, somebody};

/// A host on which volumes are made as they are needed.
struct Stage {
    host: Host,
    made: Cell<u32>,
}

impl Stage {
    fn new() -> Self {
        Self { host: Host::with_volumes(&[]), made: Cell::new(0) }
    }

    fn make(&self, name: &str) {
        fs::create_dir_all(self.host.data(name)).unwrap();
    }
}

#[async_trait(?Send)]
impl volumes::Stage for Stage {
    fn volumes(&self) -> &dyn Volumes {
        &self.host.volumes
    }

    async fn volume(&self) -> String {
        self.made.set(self.made.get() + 1);
        let name = format!("app_data_{}", self.made.get());
        self.make(&name);
        name
    }

    fn somebody(&self) -> (u32, u32) {
        somebody()
    }
}

#[async_trait(?Send)]
impl snapshots::Stage for Stage {
    fn snapshots(&self) -> &dyn Snapshots {
        &self.host.snapshots
    }

    fn volumes(&self) -> &dyn Volumes {
        &self.host.volumes
    }

    async fn volume(&self, name: &str) {
        self.make(name);
    }

    async fn lose(&self, volume: &str, path: &str) {
        fs::remove_file(self.host.data(volume).join(path)).expect("it is there");
    }

    fn somebody(&self) -> (u32, u32) {
        somebody()
    }
}

#[tokio::test]
async fn volumes() {
    contract::volumes::check(async || Stage::new()).await;
}

#[tokio::test]
async fn snapshots() {
    contract::snapshots::check(async || Stage::new()).await;
}
