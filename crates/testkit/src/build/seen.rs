//! Pieces of evidence that need no app.

use cc_ci_model::backup::{BackupSeen, HookSeen, HookTime};
use cc_ci_model::diagnosis::{ExamineSeen, LogSeen};
use cc_ci_model::evidence::{AnswerSeen, Evidence, HttpSeen, ImageFound, ObserveSeen, PageSeen};
use cc_ci_model::integrity::{ExpectedSeen, UndeploySeen, VerifySeen};
use cc_ci_model::intent::Object;
use cc_ci_model::plan::Plan;
use cc_ci_model::stack::{ServiceFacts, StackFacts};

pub(super) fn observed(facts: StackFacts) -> Evidence {
    Evidence::Observed(ObserveSeen { facts: Some(facts), outside: Vec::new() })
}

pub(super) fn examined(facts: StackFacts) -> Evidence {
    let log = |service: &ServiceFacts| LogSeen {
        service: service.name.clone(),
        lines: vec![format!("last words of {}", service.name)],
    };
    Evidence::Examined(ExamineSeen {
        logs: facts.services.iter().map(log).collect(),
        facts: Some(facts),
        free_bytes: Some(100 << 30),
        memory_available_bytes: Some(8 << 30),
        missing: Vec::new(),
    })
}

pub(super) fn backed_up(code: i64) -> BackupSeen {
    let hooks = if code == 0 { Vec::new() } else { vec![hook(HookTime::BackupPre, code)] };
    let snapshot = Some("snapshot".into());
    BackupSeen { hooks, missing: Vec::new(), snapshot, problem: None }
}

pub(super) fn hook(when: HookTime, code: i64) -> HookSeen {
    let (service, said) = ("app".to_owned(), "no space left".to_owned());
    HookSeen { service, when, code: Some(code), by_sh: false, said }
}

pub(super) fn present() -> ImageFound {
    ImageFound::Present { id: "sha256:0123".into(), digest: None, asked: false }
}

pub(super) fn answered(in_a_row: u32, last: HttpSeen, expired: bool) -> AnswerSeen {
    AnswerSeen {
        attempts: 2,
        in_a_row,
        last: Some(last),
        problem: None,
        expired,
        absences: Vec::new(),
    }
}

pub(super) fn page(status: u16, body: &str) -> HttpSeen {
    HttpSeen {
        url: "http://172.18.0.2:80/".into(),
        status,
        redirects: 0,
        location: None,
        content_type: None,
        bytes: body.len() as u64,
        excerpt: body.to_owned(),
    }
}

/// A front page that answers, with nothing else to look at.
pub(super) fn front_page(body: &str) -> PageSeen {
    PageSeen { answer: Some(page(200, body)), problem: None, asset: None, unknown: None }
}

/// The pack's command, ended with that code.
pub(super) fn verified(code: i64) -> VerifySeen {
    VerifySeen { service: "app".into(), code: Some(code), said: "so it is".into() }
}

/// The paths the pack expects, in a snapshot.
pub(super) fn expected(plan: &Plan, there: bool) -> Vec<ExpectedSeen> {
    let expected = plan.backup_checks.expect.iter();
    expected.map(|path| ExpectedSeen { path: path.to_string(), there, bytes: 7 }).collect()
}

/// The head, taken away with its volumes.
pub(super) fn undeployed(plan: &Plan, left: Vec<Object>) -> UndeploySeen {
    let volumes = plan.head.declared.volumes.iter().map(|one| one.object.clone()).collect();
    UndeploySeen { volumes, left, kept: Vec::new(), refusals: Vec::new() }
}
