//! The reducer, and walks through runs without an engine: [`walk`] asks [`next`] what to do and
//! answers with scripted evidence. The tests of `next` and `verdict` walk too.

use cc_ci_model::event::{Event, EventKind, Lane, Tool};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::intent::ProcessId;
use cc_ci_model::plan::{Plan, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{PlanBuilder, Shown, app_id, minimal_plan, numbered, service, stack};

use super::RunState;
use crate::next::{Step, next};

/// What becomes of one act in a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It sees that all is well.
    Good,
    /// It sees that the recipe is at fault.
    Bad,
    /// It can not be carried out.
    Broken,
    /// A signal breaks it off.
    Signal,
}

/// A walk that came to its end.
pub(crate) struct Walk {
    pub(crate) plan: Plan,
    pub(crate) state: RunState,
    pub(crate) events: Vec<Event>,
    /// Every step in a few words, e.g. `begin install fresh`, `deploy head`, `end`.
    pub(crate) steps: Vec<String>,
    /// Whose turn it is.
    lane: Lane,
}

/// No run has more steps.
const MOST_STEPS: usize = 200;

/// Walks through a run of `plan`; `script` says what becomes of the n-th act (from 0). Two lanes
/// take turns.
pub(crate) fn walk(plan: &Plan, mut script: impl FnMut(usize, Act) -> Turn) -> Walk {
    let mut walk = Walk::begin(plan);
    let mut acts = 0;
    while walk.steps.last().map(String::as_str) != Some("done") {
        assert!(walk.steps.len() < MOST_STEPS, "{:#?}", walk.steps);
        let step = next(plan, &walk.state, walk.lane, walk.now());
        if step == Step::Wait {
            walk.change_lanes();
            continue;
        }
        walk.steps.push(words(&step));
        if let Step::Act { act, .. } = &step {
            let mut turn = script(acts, *act);
            if turn == Turn::Signal && *act == Act::Dismantle {
                // A removal looks at the signals itself: it is not broken off.
                turn = Turn::Good;
            }
            acts += 1;
            walk.act(&step, turn);
        } else {
            walk.take(step);
        }
        if plan.beside {
            walk.change_lanes();
        }
    }
    walk
}

/// Every act sees that all is well.
pub(crate) fn good(_: usize, _: Act) -> Turn {
    Turn::Good
}

fn words(step: &Step) -> String {
    match step {
        Step::Begin { stage, app } => format!("begin {stage} {app}"),
        Step::Act {
            act: act @ (Act::EnsureImages { revision } | Act::Deploy { revision }),
            ..
        } => {
            format!("{} {revision}", act.as_str())
        }
        Step::Act { act, .. } => act.as_str().to_owned(),
        Step::End => "end".to_owned(),
        Step::TakeInventory => "inventory".to_owned(),
        Step::Seal => "seal".to_owned(),
        Step::Wait => "wait".to_owned(),
        Step::Done => "done".to_owned(),
    }
}

impl Walk {
    fn begin(plan: &Plan) -> Self {
        let (state, events, steps) = (RunState::default(), Vec::new(), Vec::new());
        let lane = Lane::Main;
        let mut walk = Self { plan: plan.clone(), state, events, steps, lane };
        walk.push(planned(plan));
        walk
    }

    fn change_lanes(&mut self) {
        self.lane = match self.lane {
            Lane::Main => Lane::Beside,
            Lane::Beside => Lane::Main,
        };
    }

    fn now(&self) -> Timestamp {
        self.events.last().map(|event| event.at).unwrap_or_default()
    }

    fn push(&mut self, kind: EventKind) {
        let mut kinds: Vec<EventKind> =
            self.events.iter().map(|event| event.kind.clone()).collect();
        kinds.push(kind);
        let event = numbered(kinds).pop().expect("it was pushed");
        let event = Event { lane: self.lane, ..event };
        self.state.apply(&event);
        self.events.push(event);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Begin { stage, app } => {
                self.push(EventKind::StageBegan { stage, app: Some(app) });
            }
            Step::End => self.push(EventKind::StageEnded),
            Step::TakeInventory => {
                self.push(EventKind::InventoryTaken { left: Vec::new(), complete: true });
            }
            Step::Seal => self.push(EventKind::Sealed { sha256: "0".repeat(64) }),
            Step::Wait | Step::Done | Step::Act { .. } => {}
        }
    }

    fn act(&mut self, step: &Step, turn: Turn) {
        let Step::Act { app, act, deadline } = step else { return };
        self.push(EventKind::ActBegan { act: *act, deadline: *deadline });
        let plan = self.plan.clone();
        let app = plan.app(app).expect("the plan has the app");
        let runs = self.state.revision_of(&app.id).unwrap_or(Revision::Head);
        let revision = act.revision().unwrap_or(runs);
        let shown = Shown { plan: &plan, app, revision, at: self.now() };
        for intent in shown.intents(*act) {
            self.push(EventKind::Intended { intent });
        }
        let seen = match turn {
            Turn::Good => Some(shown.good(*act)),
            Turn::Bad => Some(shown.bad(*act)),
            Turn::Broken => None,
            Turn::Signal => {
                self.push(EventKind::CancelRequested { signals: 1 });
                None
            }
        };
        self.push(match seen {
            Some(evidence) => EventKind::ActEnded { evidence: Box::new(evidence) },
            None => EventKind::ActErrored { message: "it could not be carried out".into() },
        });
    }
}

/// The first event of a log.
pub(crate) fn planned(plan: &Plan) -> EventKind {
    EventKind::Planned {
        schema_version: cc_ci_model::event::EVENTS_SCHEMA_VERSION,
        tool: Tool { version: "0.0.0".into(), commit: None },
        owner: ProcessId { pid: 1, started_ticks: 1, boot_id: "boot".into() },
        plan: Box::new(plan.clone()),
    }
}

/// A plan that installs, and upgrades from a base with another image.
pub(crate) fn upgrading() -> PlanBuilder {
    let app = || service("app").routed(80).volume("data", "/data");
    PlanBuilder::new(stack([app().image("registry.test/app:1.1.0"), service("db")]))
        .base(stack([app(), service("db")]))
}

/// A plan that does everything a run can do.
pub(crate) fn whole() -> PlanBuilder {
    let app = || service("app").routed(80).volume("data", "/data").backed_up();
    PlanBuilder::new(stack([app().image("registry.test/app:1.1.0"), service("db")]))
        .base(stack([app(), service("db")]))
        .run(Stage::Backup)
        .run(Stage::Restore)
        .test("tests/10-page.sh")
}

fn of(kinds: Vec<EventKind>) -> RunState {
    RunState::of(&numbered(kinds))
}

fn begin(stage: Stage) -> EventKind {
    EventKind::StageBegan { stage, app: Some(app_id("fresh")) }
}

fn act(act: Act) -> EventKind {
    EventKind::ActBegan { act, deadline: Timestamp::from_millis(0) }
}

fn dismantled() -> EventKind {
    let evidence = Evidence::Dismantled { left: Vec::new(), refusals: Vec::new() };
    EventKind::ActEnded { evidence: Box::new(evidence) }
}

#[test]
fn a_state_is_the_sum_of_its_events_however_they_are_added_up() {
    let walk = walk(&upgrading().build(), good);
    assert_eq!(RunState::of(&walk.events), walk.state);
    for cut in 0..walk.events.len() {
        let mut state = RunState::of(&walk.events[..cut]);
        walk.events[cut..].iter().for_each(|event| state.apply(event));
        assert_eq!(state, walk.state);
    }
}

#[test]
fn a_log_survives_being_written_and_read() {
    let walk = walk(&upgrading().build(), good);
    for event in &walk.events {
        let line = serde_json::to_string(event).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), *event, "{line}");
    }
}

/// Every way in which a log contradicts itself is kept, the first one.
#[track_caller]
fn check_damage(kinds: Vec<EventKind>, expected: &str) {
    let damage = of(kinds).damage.expect("the log is damaged");
    assert!(damage.contains(expected), "{damage}");
}

#[test]
fn a_log_that_contradicts_itself_is_damaged() {
    let first = || planned(&minimal_plan());
    check_damage(
        vec![first(), begin(Stage::Install), begin(Stage::Teardown)],
        "while install was open",
    );
    check_damage(vec![first(), act(Act::Converge)], "outside a stage");
    check_damage(vec![first(), begin(Stage::Teardown), dismantled()], "outside an act");
    check_damage(vec![first(), dismantled()], "outside an act");
    check_damage(vec![first(), EventKind::ActErrored { message: String::new() }], "outside an act");
    check_damage(vec![first(), EventKind::StageEnded], "had not begun");
    let sealed = EventKind::Sealed { sha256: String::new() };
    check_damage(vec![first(), sealed, begin(Stage::Install)], "after the seal");
    check_damage(vec![first(), first()], "the plan comes first, and once");
    check_damage(vec![begin(Stage::Install), first()], "the plan comes first, and once");
    let mut gap = numbered(vec![first(), begin(Stage::Install)]);
    gap[1].seq = 3;
    assert!(RunState::of(&gap).damage.unwrap().contains("event 3 follows event 1"));
    let mut late = numbered(vec![first()]);
    late[0].seq = 2;
    assert!(RunState::of(&late).damage.is_some(), "the first event is missing");
}

#[test]
fn a_stage_that_did_not_end_showed_nothing() {
    let acted = || vec![planned(&minimal_plan()), begin(Stage::Teardown), act(Act::Dismantle)];
    let status = |kinds| of(kinds).stages[0].outcome().status().as_str();
    assert_eq!(status(acted()), "errored");
    let mut ended = acted();
    ended.push(dismantled());
    assert_eq!(status(ended.clone()), "errored", "the stage is open");
    ended.push(EventKind::StageEnded);
    assert_eq!(status(ended), "passed");
    let mut open = acted();
    open.push(EventKind::StageEnded);
    assert_eq!(status(open), "errored", "the act is open");
    let empty = vec![planned(&minimal_plan()), begin(Stage::Teardown), EventKind::StageEnded];
    assert_eq!(status(empty), "unverified", "nothing was checked");
}

#[test]
fn evidence_of_another_act_shows_nothing() {
    let kinds =
        vec![planned(&minimal_plan()), begin(Stage::Install), act(Act::Converge), dismantled()];
    let state = of(kinds);
    assert!(!state.stages[0].acts[0].is_good());
    assert_eq!(state.damage, None);
}

#[test]
fn only_accepted_submissions_count_as_deploys() {
    let plan = upgrading().build();
    let app = app_id("upgraded");
    let all_good = walk(&plan, good);
    let deploys: Vec<Revision> = all_good.state.deploys_of(&app).collect();
    assert_eq!(deploys, [Revision::Base, Revision::Head]);
    let head = Act::Deploy { revision: Revision::Head };
    let refused = walk(&plan, |_, act| if act == head { Turn::Bad } else { Turn::Good });
    assert_eq!(refused.state.deploys_of(&app).collect::<Vec<_>>(), [Revision::Base]);
    assert!(refused.state.was_touched(&app));
}
