//! Plans of recipes as they are written: what is refused, what is changed for the host.

use cc_ci_model::host::{Capacity, HostFacts, Tried};
use cc_ci_model::name::CommitSha;
use cc_ci_model::outcome::{Outcome, Status};
use cc_ci_model::plan::{AdaptationKind, AppRole, Doing, EngineId, Plan, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_testkit::host_facts;

use super::*;
use crate::app::prepare;
use crate::difference::difference;
use crate::ports::{ReleasesKnown, Tree};

fn request(vips: Tried) -> Request {
    Request {
        restore: None,
        run_id: "20261124T053000-recipe-0a1b2c".parse().unwrap(),
        source: "recipe".into(),
        stages: StageChoice::default(),
        pack: None,
        keep: false,
        require_level: None,
        base_domain: "ccci.test".into(),
        hexes: vec!["0a1b2c".into(), "3d4e5f".into(), "6a7b8c".into()],
        engine: EngineId { name: "native".into(), version: "0.0.0".into() },
        host: HostFacts { vips, task_addresses: Tried::Unknown, ..host_facts() },
        tests: None,
        overlay_texts: std::collections::BTreeMap::new(),
    }
}

fn commit(digit: u8) -> CommitSha {
    format!("aaaaaaaabbbbbbbbccccccccdddddddd0000000{digit}").parse().unwrap()
}

fn facts() -> RecipeFacts {
    RecipeFacts {
        name: "recipe".parse().unwrap(),
        reference: "HEAD".into(),
        head: commit(1),
        dirty_of: None,
        releases: Vec::new(),
        malformed_tags: Vec::new(),
        releases_known: ReleasesKnown::All,
    }
}

fn tree(compose: &str) -> Tree {
    [("compose.yml", compose), (".env.sample", "TYPE=recipe\n")]
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into()
}

/// The upgrade from one text to another, as the engine finds it.
fn upgrade(request: &Request, facts: &RecipeFacts, base: &str, head: &str) -> BaseSearch {
    let release = Release {
        version: "1.0.0+1.0".parse().unwrap(),
        commit: commit(2),
        annotated: true,
        ancestor_of_head: true,
    };
    let app = app(request, &facts.name, AppRole::Upgraded, false).unwrap();
    let about = |deploying| about(request, facts, &app, deploying);
    let base = prepare(&tree(base), &about(Deploying::Base(&release))).unwrap();
    let kept = Some(base.env_file.clone());
    let head = prepare(&tree(head), &about(Deploying::Head { kept }));
    BaseSearch::Found(Box::new(BaseFound {
        release,
        why: "the newest".into(),
        difference: difference(&base.declared, &head.as_ref().unwrap().declared),
        steps: Vec::new(),
        base,
        head,
    }))
}

/// The plan of a recipe with that base and head.
#[track_caller]
fn planned(vips: Tried, base: Option<&str>, head: &str) -> Plan {
    plan_of(&request(vips), base, head)
}

#[track_caller]
fn plan_of(request: &Request, base: Option<&str>, head: &str) -> Plan {
    let facts = facts();
    let first = app(request, &facts.name, AppRole::Fresh, false).unwrap();
    let about = about(request, &facts, &first, Deploying::Head { kept: None });
    let search = base.map_or(BaseSearch::NotWanted, |base| upgrade(request, &facts, base, head));
    plan(request, &facts, prepare(&tree(head), &about), &search).unwrap()
}

#[track_caller]
fn not(plan: &Plan, stage: Stage) -> Outcome {
    match plan.doing(stage) {
        Some(Doing::Not { outcome }) => outcome.clone(),
        other => panic!("{stage} was to be refused: {other:?}"),
    }
}

/// `app` with a port, and a volume declared like that.
fn with_volume(volume: &str) -> String {
    format!(
        "services:\n  app:\n    image: a\n    expose: [80]\n    volumes: ['data:/data']\nvolumes:\n  data: {volume}\n"
    )
}

const BIND: &str = "{driver_opts: {type: none, o: bind, device: /srv/precious}}";

#[test]
fn a_volume_that_leads_to_a_folder_of_the_host_is_an_error_before_anything_is_created() {
    let plan = planned(Tried::Works, None, &with_volume(BIND));
    let outcome = not(&plan, Stage::Install);
    assert_eq!(outcome.status(), Status::Errored);
    let reason = outcome.reason().unwrap();
    assert!(reason.contains("/srv/precious") && reason.contains("compose.yml:7"), "{reason}");
    assert_eq!(plan.apps, [], "no app is created");
    assert!(plan.markers.is_empty());

    let plan = planned(Tried::Works, None, &with_volume("{driver_opts: {type: tmpfs, device: x}}"));
    assert_eq!(plan.doing(Stage::Install), Some(&Doing::Run));
}

#[test]
fn a_base_on_a_folder_of_the_host_is_not_installed() {
    let plan = planned(Tried::Works, Some(&with_volume(BIND)), &with_volume("{}"));
    assert_eq!(plan.doing(Stage::Install), Some(&Doing::Run));
    let outcome = not(&plan, Stage::Upgrade);
    assert_eq!(outcome.status(), Status::Unverified);
    assert!(outcome.reason().unwrap().contains("/srv/precious"), "{outcome:?}");
    assert!(plan.apps.iter().all(|app| app.role == AppRole::Fresh), "{:?}", plan.apps);
    assert!(plan.markers.is_empty());

    let plan = planned(Tried::Works, Some(&with_volume("{}")), &with_volume(BIND));
    assert_eq!(not(&plan, Stage::Install).status(), Status::Errored);
    assert_eq!(plan.apps, []);
}

#[test]
fn a_path_of_the_host_is_neither_marked_nor_backed_up_and_that_is_told() {
    let head = "services:\n  app:\n    image: a\n    expose: [80]\n    volumes: ['/srv/x:/x', 'data:/data', '/srv/y:/y:ro']\n    \
                deploy: {labels: ['backupbot.backup=true']}\nvolumes:\n  data:\n";
    let plan = planned(Tried::Works, Some(&head.replace("image: a", "image: b")), head);
    let marked: Vec<_> = plan.markers.iter().map(|marker| marker.target.as_str()).collect();
    assert_eq!(marked, ["/data"]);
    let backed: Vec<_> = plan.backup.volumes.iter().map(|it| it.volume.to_string()).collect();
    assert_eq!(backed, ["data"]);
    let told: Vec<_> = plan.warnings.iter().filter(|it| it.code == "host_path").collect();
    assert!(told.len() == 1 && told[0].message.contains("`/srv/x` at /x"), "{told:?}");
}

fn adapted(plan: &Plan, kind: AdaptationKind) -> Vec<&str> {
    let found = plan.adaptations.iter().filter(|adaptation| adaptation.kind == kind);
    found.map(|adaptation| adaptation.subject.as_str()).collect()
}

/// `app` and `db`, the former with those lines.
fn with_ports(lines: &str) -> String {
    format!("services:\n  app: {{image: a, expose: [80], {lines}}}\n  db: {{image: b}}\n")
}

const MOVED: AdaptationKind = AdaptationKind::HostPorts;
const DNSRR: AdaptationKind = AdaptationKind::EndpointMode;

/// What becomes of `app` where VIPs do not answer: what is changed about it, and a warning.
#[track_caller]
fn check_ports(lines: &str, changed: &[AdaptationKind], warned: Option<&str>) {
    let plan = planned(Tried::Fails, None, &with_ports(lines));
    for kind in [MOVED, DNSRR] {
        let is_changed = adapted(&plan, kind).contains(&"app");
        assert_eq!(is_changed, changed.contains(&kind), "{lines}: {:?}", plan.adaptations);
    }
    assert!(adapted(&plan, DNSRR).contains(&"db"), "{lines}");
    let told = plan.warnings.iter().find(|warning| warning.code == "ingress_ports");
    match (told, warned) {
        (None, None) => {}
        (Some(told), Some(words)) => assert!(told.message.contains(words), "{}", told.message),
        (told, _) => panic!("{lines}: {told:?}"),
    }
    let plan = planned(Tried::Works, None, &with_ports(lines));
    assert_eq!(plan.adaptations, [], "nothing is changed where nothing has to be");
    assert!(plan.warnings.iter().all(|warning| warning.code != "ingress_ports"));
}

#[test]
fn ports_of_the_mesh_move_to_the_host_where_it_does_not_answer() {
    check_ports("hostname: x", &[DNSRR], None);
    check_ports("ports: ['8080:80']", &[MOVED, DNSRR], None);
    check_ports("ports: ['8080:80', '8053:53/udp', '81']", &[MOVED, DNSRR], None);
    check_ports("ports: ['8080:80'], deploy: {mode: global}", &[MOVED, DNSRR], None);
    check_ports("ports: ['8080:80'], deploy: {replicas: 0}", &[MOVED, DNSRR], None);
    check_ports("ports: [{target: 80, published: 8080, mode: host}]", &[DNSRR], None);
    let twins = "published as 53, and where files are merged";
    check_ports("ports: ['53:53/udp', '53:53/tcp']", &[], Some(twins));
    check_ports("ports: ['80', '81']", &[], Some("published without a number"));
    check_ports("ports: ['8080:80'], deploy: {replicas: 2}", &[], Some("wants 2 tasks"));
    // Docker refuses this, and that is the recipe's own fault.
    check_ports("ports: ['8080:80'], deploy: {endpoint_mode: dnsrr}", &[], None);
}

#[test]
fn what_is_changed_about_ports_is_said() {
    let plan = planned(Tried::Fails, None, &with_ports("ports: ['8080:80', '8053:53/udp']"));
    let found = plan.adaptations.iter().find(|it| it.kind == AdaptationKind::HostPorts).unwrap();
    for word in ["8080/tcp, 8053/udp", "mode: host", "stops the old task"] {
        assert!(found.why.contains(word), "{}", found.why);
    }
}

/// One of two revisions may be in another position than the other.
#[test]
fn each_revision_gets_what_fits_it() {
    let (base, head) = (with_ports("hostname: x"), with_ports("ports: ['8080:80', '8080:80/udp']"));
    let (request, facts) = (request(Tried::Fails), facts());
    let plan = planned(Tried::Fails, Some(&base), &head);
    assert!(adapted(&plan, AdaptationKind::EndpointMode).contains(&"app"), "the base needs it");
    let upgraded = app(&request, &facts.name, AppRole::Upgraded, false).unwrap();
    let overlay = |revision, text: &str| {
        let about = crate::app::about(&plan, &upgraded, revision);
        prepare(&tree(text), &about).unwrap().overlay
    };
    let head = overlay(Revision::Head, &head);
    let said = format!("{}{}", head.before.unwrap_or_default(), head.text);
    assert_eq!(
        said.matches("dnsrr").count(),
        1,
        "docker refuses it beside ports of the mesh: {said}"
    );
    assert_eq!(overlay(Revision::Base, &base).text.matches("dnsrr").count(), 2);
}

/// IN-7: a refusal that a newer CLI would not make is no fault of the recipe.
#[test]
fn what_only_a_newer_cli_can_deploy_is_an_error_of_this_host() {
    let on = |cli: &str| {
        let host = HostFacts { cli_version: cli.into(), ..host_facts() };
        Request { host, ..request(Tried::Works) }
    };
    let app = "services:\n  app: {image: a, expose: [80]}\n";
    let plain = format!("version: '3.8'\n{app}");
    let job = format!("{plain}  setup: {{image: a, deploy: {{mode: replicated-job}}}}\n");
    for (head, says) in [(app, "`version:`"), (job.as_str(), "service setup is a job")] {
        let plan = plan_of(&on("20.10.24+dfsg1"), None, head);
        let outcome = not(&plan, Stage::Install);
        assert_eq!(outcome.status(), Status::Errored);
        assert!(outcome.reason().is_some_and(|reason| reason.contains(says)), "{outcome:?}");
        assert_eq!(plan.apps, [], "no app is created");
        assert_eq!(plan_of(&on("23.0.0"), None, head).doing(Stage::Install), Some(&Doing::Run));

        let plan = plan_of(&on("20.10.24+dfsg1"), Some(head), &plain);
        assert_eq!(plan.doing(Stage::Install), Some(&Doing::Run));
        assert_eq!(not(&plan, Stage::Upgrade).status(), Status::Unverified);
    }
}

/// STG-2: two apps of a recipe live beside each other only where neither can take anything from
/// the other.
#[test]
fn the_fresh_head_goes_beside_the_upgrade_where_capacity_allows() {
    let with = |cpus, memory_gib: u64| {
        let capacity = Some(Capacity { cpus, memory_bytes: memory_gib << 30 });
        Request { host: HostFacts { capacity, ..host_facts() }, ..request(Tried::Works) }
    };
    let stack = |more: &str| format!("services:\n  app: {{image: a, expose: [80]{more}}}\n");
    let head = stack(", environment: {A: b}");
    let is_beside = |request: &Request, base: &str| plan_of(request, Some(base), &head).beside;
    assert!(is_beside(&with(2, 4), &stack("")));
    assert!(!is_beside(&with(1, 64), &stack("")));
    assert!(!is_beside(&with(64, 3), &stack("")));
    assert!(!is_beside(&request(Tried::Works), &stack("")), "nobody said what the node has");
    assert!(!plan_of(&with(8, 8), None, &head).beside, "there is nothing to be beside");
    for base in [
        stack(", ports: ['8080:80']"),
        stack(", volumes: ['/srv:/srv']"),
        stack(", deploy: {resources: {reservations: {memory: 1G}}}"),
    ] {
        assert!(!is_beside(&with(8, 8), &base), "{base}");
    }
    assert!(is_beside(&with(8, 8), &stack(", volumes: ['/etc/localtime:/etc/localtime:ro']")));

    let fixed = format!("{}volumes: {{data: {{name: fixed}}}}\n", stack(", volumes: ['data:/d']"));
    let both = plan_of(&with(8, 8), Some(&stack("")), &fixed);
    assert!(!both.beside, "both apps would mount that volume");

    let off = crate::pack::parse("recipe.toml", "recipe = 'recipe'\n[run]\nfresh_head = false\n");
    let off = Request { pack: Some(off.unwrap()), ..with(8, 8) };
    assert!(!is_beside(&off, &stack("")), "no fresh head is wanted");
}
