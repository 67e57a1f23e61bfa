//! Published ports arrive as the recipe says them, or as this host can have them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};
use cc_ci_e2e::{Change, Lab, Ran, Strangers, engine, is_enabled};
use cc_ci_model::plan::AdaptationKind;

/// A number nobody else is likely to use: of the folder's own name.
fn free_port(lab: &Lab, of: u16) -> u16 {
    let name = lab.path().display().to_string();
    let sum = name.bytes().fold(0_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    41_000 + of * 1000 + sum % 1000
}

/// custom-data whose `app` publishes those, in both releases and the head.
fn publishing(lab: &Lab, folder: &str, ports: &str) -> Result<std::path::PathBuf> {
    let replace = "    entrypoint: [\"/docker-entrypoint.sh\"]\n";
    let with = format!("{replace}    ports: {ports}\n");
    let change = |tree| Change { tree, file: "compose.yml", replace, with: &with };
    lab.recipe_with("custom-data", folder, &["1.1.0+2.2.0", "head"].map(change))
}

/// Service `app` of the app that was kept.
fn kept(ran: &Ran) -> String {
    let services = ran.log().stacks().into_iter().map(|stack| format!("{stack}_app"));
    let mut there = services.filter(|service| engine::object_exists("service", service));
    there.next().unwrap_or_default()
}

/// The ports of service `app` as the engine holds them: `<published>/<protocol> <mode>`.
fn held(ran: &Ran) -> Vec<String> {
    let format = "{{range .Spec.EndpointSpec.Ports}}{{.PublishedPort}}/{{.Protocol}} {{.PublishMode}}\n{{end}}";
    let said = engine::docker(&["service", "inspect", &kept(ran), "--format", format]);
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn remove(lab: &Lab, ran: &Ran) -> Result<()> {
    lab.cc_ci(&["cleanup", &ran.directory.display().to_string()])?.exited(0);
    assert_eq!(engine::leftovers(&ran.log().run_id(), &ran.log().stacks()), [""; 0]);
    Ok(())
}

fn page(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: app\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    ensure!(said.starts_with("HTTP/1."), "{said}");
    Ok(said)
}

/// Found in the lab: docker drops one of two ports that are published under one number as soon as
/// a second file names the service, and the overlay was such a file.
#[test]
fn incident_a_second_file_drops_a_port() -> Result<()> {
    if !is_enabled("incident_a_second_file_drops_a_port") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let port = free_port(&lab, 0);
    let recipe = publishing(&lab, "twins", &format!("[\"{port}:80/udp\", \"{port}:80\"]"))?;
    let ran = lab.run(&recipe, "run", &["--stages", "install", "--keep"])?;
    ran.exited(0);
    assert_eq!(held(&ran), [format!("{port}/tcp ingress"), format!("{port}/udp ingress")]);
    let labels = engine::docker(&[
        "service",
        "inspect",
        &kept(&ran),
        "--format",
        "{{json .Spec.Labels}} {{json .Spec.TaskTemplate.ContainerSpec.Env}}",
    ]);
    assert!(labels.contains("chaos-version") && labels.contains("STACK_NAME="), "{labels}");
    remove(&lab, &ran)
}

/// Where the ingress mesh does not answer, a published port answers all the same, also after an
/// upgrade, and is said to have been changed; elsewhere it is left alone.
#[test]
fn a_published_port_answers_on_every_host() -> Result<()> {
    if !is_enabled("a_published_port_answers_on_every_host") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let port = free_port(&lab, 1);
    let recipe = publishing(&lab, "published", &format!("[\"{port}:80\"]"))?;
    let ran = lab.run(&recipe, "run", &["--stages", "upgrade", "--keep"])?;
    ran.exited(0);
    let results = ran.results()?;
    let moved = results.adaptations.iter().any(|it| it.kind == AdaptationKind::HostPorts);
    let log = ran.log();
    let vips = log.plan().map(|plan| plan["host"]["vips"].clone()).unwrap_or_default();
    assert_eq!(moved, vips == "fails", "{vips}: {:?}", results.adaptations);
    let mode = if moved { "host" } else { "ingress" };
    assert_eq!(held(&ran), [format!("{port}/tcp {mode}")]);
    assert!(page(port)?.contains("200 OK"));
    let told = results.does_not_prove.iter().any(|text| text.contains("mode: host"));
    assert_eq!(told, moved, "{:?}", results.does_not_prove);
    remove(&lab, &ran)
}

/// Two apps cannot have one port of a host: whoever comes second is told, and not blamed.
#[test]
fn a_port_that_is_taken_is_no_failure_of_the_recipe() -> Result<()> {
    if !is_enabled("a_port_that_is_taken_is_no_failure_of_the_recipe") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let port = free_port(&lab, 2);
    let mut strangers = Strangers::new();
    strangers.publishing_service(&format!("cc-ci-e2e-port-{port}"), port);
    let recipe = publishing(&lab, "taken", &format!("[\"{port}:80\"]"))?;
    let pack = impatient_pack(&lab)?;
    let ran = lab.run(&recipe, "run", &["--stages", "install", "--pack", &pack])?;
    ran.exited(4).left_nothing();
    let reason = ran.results()?.conditions[0].message.clone();
    assert!(reason.contains(&port.to_string()) && reason.contains("taken"), "{reason}");
    strangers.are_untouched();
    Ok(())
}

/// A pack that gives a deploy little time.
#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn impatient_pack(lab: &Lab) -> Result<String> {
    let pack = lab.path().join("pack");
    std::fs::create_dir(&pack)?;
    let text = "recipe = \"custom-data\"\n\n[timeouts]\ndeploy = \"15s\"\n";
    std::fs::write(pack.join("recipe.toml"), text)?;
    Ok(pack.display().to_string())
}
