//! What [`StateView`] promises.

use cc_ci_core::ports::{Remembered, StateView, Trace};
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::host::Tried;
use cc_ci_model::time::Timestamp;

super::contract!(StateView: [
    a_new_folder_has_no_runs_and_remembers_nothing,
    runs_are_listed_by_name_with_what_became_of_them,
    what_was_tried_last_is_remembered,
]);

/// A state folder in which nothing is yet.
pub trait Stage {
    /// The port.
    fn state(&self) -> &dyn StateView;

    /// Adds a run. One that is dead has that log, one that is alive holds its lock as long as the
    /// stage is there.
    fn add(&self, name: &str, log: Option<&[Event]>);
}

async fn a_new_folder_has_no_runs_and_remembers_nothing<S: Stage>(stage: &S) {
    assert!(stage.state().folder().is_absolute());
    assert_eq!((stage.state().runs(), stage.state().remembered()), (Ok(vec![]), None));
}

async fn runs_are_listed_by_name_with_what_became_of_them<S: Stage>(stage: &S) {
    let kind = EventKind::CancelRequested { signals: 1 };
    let log = [Event {
        seq: 1,
        at: Timestamp::from_millis(0),
        lane: cc_ci_model::event::Lane::Main,
        kind,
    }];
    stage.add("20261124T053000-b-0a1b2c", Some(&log));
    stage.add("20261124T053000-c-0a1b2c", None);
    stage.add("20261124T053000-a-0a1b2c", Some(&[]));
    let runs = stage.state().runs().expect("they can be listed");
    let traces: Vec<(&str, &Trace)> =
        runs.iter().map(|run| (&run.name["20261124T053000-".len()..], &run.trace)).collect();
    let expected = [
        ("a-0a1b2c", &Trace::Log(vec![])),
        ("b-0a1b2c", &Trace::Log(log.into())),
        ("c-0a1b2c", &Trace::Alive),
    ];
    assert_eq!(traces, expected);
    let folder = stage.state().folder().display().to_string();
    assert!(runs.iter().all(|run| run.path.starts_with(&folder)), "{runs:?}");
}

async fn what_was_tried_last_is_remembered<S: Stage>(stage: &S) {
    for (world, task_addresses) in [("boot 1", Tried::Works), ("boot \"2\"\n", Tried::Unknown)] {
        let (world, engine_id) = (world.to_owned(), "ENGINE".to_owned());
        let tried = Remembered { world, engine_id, task_addresses };
        stage.state().remember(&tried);
        assert_eq!(stage.state().remembered(), Some(tried));
    }
    assert_eq!(stage.state().runs(), Ok(vec![]), "that is no run");
}
