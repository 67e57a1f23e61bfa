//! Values in databases and the like, as an act sees them.

use cc_ci_core::data_markers::has_several;
use cc_ci_model::backup::PathWeight;
use cc_ci_model::evidence::Evidence;
use cc_ci_model::marker::{DataInSnapshot, DataMarker, DataSeen};
use cc_ci_model::plan::Plan;

use super::evidence::Shown;

impl Shown<'_> {
    pub(super) fn planted(&self, intact: bool) -> Evidence {
        Evidence::Planted {
            markers: self.markers(intact),
            data: data(&self.plan.data.base, intact),
        }
    }

    pub(super) fn sought(&self, intact: bool) -> Evidence {
        Evidence::Sought { markers: self.markers(intact), data: data(&self.plan.data.base, intact) }
    }

    pub(super) fn marked(&self, before: Vec<PathWeight>, intact: bool) -> Evidence {
        let data = data(&self.plan.data.head, intact);
        Evidence::Marked { before, markers: self.kept(intact), data }
    }

    pub(super) fn disturbed(&self, intact: bool) -> Evidence {
        Evidence::Disturbed {
            markers: self.kept(intact),
            data: data(&self.plan.data.head, intact),
            hooks: Vec::new(),
        }
    }

    pub(super) fn recalled(&self, intact: bool) -> Evidence {
        Evidence::Recalled { markers: self.kept(intact), data: data(&self.plan.data.head, intact) }
    }
}

/// A value in every database and the like, as planted, or another one.
fn data(markers: &[DataMarker], intact: bool) -> Vec<DataSeen> {
    let seen = |marker: &DataMarker| {
        let nonce = format!("nonce-in-{}", marker.service);
        let found = if intact { nonce.clone() } else { "something else".to_owned() };
        let database = has_several(&marker.kind).then(|| "app".to_owned());
        let found = Some(found);
        DataSeen {
            marker: marker.name.clone(),
            database,
            nonce,
            found,
            problem: None,
            forgets: false,
        }
    };
    markers.iter().map(seen).collect()
}

pub(super) fn data_found(plan: &Plan, found: bool) -> Vec<DataInSnapshot> {
    let looked = |seen: DataSeen| DataInSnapshot {
        marker: seen.marker,
        database: seen.database,
        nonce: seen.nonce,
        found,
    };
    data(&plan.data.head, true).into_iter().map(looked).collect()
}
