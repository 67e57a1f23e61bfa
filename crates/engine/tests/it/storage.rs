//! Data outside every mount: told, and no red by itself (STG-11).

use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::{Behaviour, Fault, PlanBuilder, World, service, stack};

use crate::backup::full;
use crate::harness::{Ended, run};

async fn writing(plan: &PlanBuilder, paths: &[String]) -> Ended {
    let writes = paths.to_vec();
    let behaviour = Behaviour { writes, ..Behaviour::steady() };
    run(plan, |world: &World| world.swarm.behave("app", behaviour)).await
}

fn told(ended: &Ended) -> Vec<String> {
    let findings = ended.results().warnings.iter();
    let own = findings.filter(|finding| finding.code == "written_outside_mounts");
    own.map(|finding| finding.message.clone()).collect()
}

/// Installed, upgraded, backed up, restored: each task has the file anew, and it is told once.
#[tokio::test(start_paused = true)]
async fn what_an_app_writes_outside_its_mounts_is_told_and_not_proven() {
    let paths = ["/opt/app/app.db", "/data/in-a-volume", "/tmp/x"].map(str::to_owned);
    let ended = writing(&full(), &paths).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let told = told(&ended);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("service app wrote outside every mount: /opt/app/app.db (10 bytes):"));
    assert!(ended.results().does_not_prove.contains(&told[0]));
}

#[tokio::test(start_paused = true)]
async fn only_the_first_few_files_are_told_by_name() {
    let plan = PlanBuilder::new(stack([service("app").routed(80)]));
    let paths: Vec<String> = (10..40).map(|n| format!("/srv/{n}")).collect();
    let ended = writing(&plan, &paths).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let told = told(&ended);
    let names = "/srv/10 (10 bytes), /srv/11 (10 bytes), /srv/12 (10 bytes), /srv/13 (10 bytes), /srv/14 (10 bytes) and 25 more:";
    assert!(told.len() == 1 && told[0].contains(names), "{told:?}");
}

/// An engine that does not answer this one question changes nothing.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_look_into_a_container() {
    let plan = PlanBuilder::new(stack([service("app").routed(80)]));
    for fault in [Fault::Fail, Fault::Hang] {
        let calls = run(&plan, |_| {}).await.world.faults.calls();
        let at = calls.iter().position(|call| call == "list the changes of a container").unwrap();
        let ended = run(&plan, |world: &World| world.faults.arm(at + 1, fault)).await;
        assert!(ended.world.faults.fired().is_some());
        ended.expect(Verdict::Pass, ExitKind::Pass);
    }
}
