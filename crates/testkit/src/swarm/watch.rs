//! A watch over a simulated stack: it remembers containers it has seen.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, EngineError, StackWatch, Wake};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::{ContainerFacts, StackFacts};

use super::{EventStream, FakeSwarm};

/// See the module.
pub(super) struct FakeWatch {
    swarm: FakeSwarm,
    stack: StackName,
    /// Events up to here are known.
    heard: u64,
    /// The last event comes once more.
    repeats: bool,
    gaps_heard: u64,
    gap: bool,
    containers: BTreeMap<String, ContainerFacts>,
    /// What the last look or wake took in: changes elsewhere do not wake.
    known: StackFacts,
}

impl FakeWatch {
    pub(super) fn new(
        swarm: FakeSwarm,
        stack: StackName,
        (heard, gaps_heard): (u64, u64),
        known: StackFacts,
    ) -> Self {
        Self {
            swarm,
            stack,
            heard,
            repeats: false,
            gaps_heard,
            gap: false,
            containers: BTreeMap::new(),
            known,
        }
    }

    fn news(&mut self) -> Option<Wake> {
        let sim = self.swarm.sim();
        if sim.gaps > self.gaps_heard {
            self.gaps_heard = sim.gaps;
            self.gap = true;
            return Some(Wake::Gap);
        }
        if sim.announced > self.heard {
            self.heard = sim.announced;
            let facts = sim.facts(self.stack.as_str());
            if facts != self.known {
                self.repeats = sim.stream == EventStream::Doubled;
                self.known = facts;
                return Some(Wake::Changed);
            }
        }
        std::mem::take(&mut self.repeats).then_some(Wake::Changed)
    }
}

#[async_trait]
impl StackWatch for FakeWatch {
    async fn changed(&mut self) -> Wake {
        let swarm = self.swarm.clone();
        loop {
            let poked = swarm.0.poked.notified();
            tokio::pin!(poked);
            poked.as_mut().enable();
            if let Some(wake) = self.news() {
                return wake;
            }
            let next = swarm.sim().next_alarm();
            match next {
                Some(next) => tokio::select! {
                    () = poked => {}
                    () = swarm.clock().sleep_until(next) => {}
                },
                None => poked.await,
            }
        }
    }

    async fn observe(&mut self) -> Result<StackFacts, EngineError> {
        let stack = self.stack.clone();
        let look = move |sim: &mut super::sim::Sim| {
            Ok((sim.facts(stack.as_str()), sim.announced, sim.gaps))
        };
        let (mut facts, announced, gaps) = self.swarm.call("look at a stack", look).await?;
        self.heard = announced;
        self.known = facts.clone();
        if gaps > self.gaps_heard {
            (self.gaps_heard, self.gap) = (gaps, true);
        }
        facts.events_gap = self.gap;
        for task in &mut facts.tasks {
            match &task.container {
                Some(seen) => {
                    self.containers.insert(task.id.clone(), seen.clone());
                }
                None => task.container = self.containers.get(&task.id).cloned(),
            }
        }
        Ok(facts)
    }
}
