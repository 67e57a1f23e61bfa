//! The files of a recipe that declares what a [`StackBuilder`] says.

use std::fmt::{Result, Write};

use cc_ci_model::compose::{
    DeclaredService, FailureAction, HealthCheck, RestartCondition, ServiceMode,
};

use super::stack::StackBuilder;

/// `compose.yml`.
pub(super) fn compose(stack: &StackBuilder) -> String {
    let mut text = String::from("version: \"3.8\"\nservices:\n");
    let written = stack
        .services()
        .iter()
        .try_for_each(|service| write_service(&mut text, service))
        .and_then(|()| write_objects(&mut text, stack));
    written.expect("writing to a string does not fail");
    text
}

/// `.env.sample`.
pub(super) fn env_sample(stack: &StackBuilder) -> String {
    let mut text =
        String::from("TYPE=recipe\nDOMAIN=recipe.example.com\nCOMPOSE_FILE=compose.yml\n");
    for name in stack.names(|service| &service.secrets) {
        let written = writeln!(text, "SECRET_{}_VERSION=v1", shout(name.as_str()));
        written.expect("writing to a string does not fail");
    }
    text
}

/// `abra.sh`.
pub(super) fn abra_sh(stack: &StackBuilder) -> String {
    let mut text = String::new();
    for name in stack.names(|service| &service.configs) {
        let written = writeln!(text, "export {}_VERSION=v1", shout(name.as_str()));
        written.expect("writing to a string does not fail");
    }
    text
}

fn shout(name: &str) -> String {
    name.to_uppercase().replace(['-', '.'], "_")
}

fn write_service(text: &mut String, service: &DeclaredService) -> Result {
    writeln!(text, "  {}:\n    image: {}", service.name, service.image)?;
    let environment: Vec<(&str, &str)> = service
        .template
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("environment.")?, value.as_str())))
        .collect();
    if !environment.is_empty() {
        writeln!(text, "    environment:")?;
        for (key, value) in environment {
            writeln!(text, "      {key}: \"{value}\"")?;
        }
    }
    if let HealthCheck::Command { test, retries, start_period_ms, .. } = &service.health {
        writeln!(text, "    healthcheck:\n      test: \"{test}\"")?;
        if let Some(retries) = retries {
            writeln!(text, "      retries: {retries}")?;
        }
        if let Some(millis) = start_period_ms {
            writeln!(text, "      start_period: {millis}ms")?;
        }
    }
    list(text, "networks", service.networks.iter())?;
    list(text, "secrets", service.secrets.iter())?;
    list(text, "configs", service.configs.iter().map(|name| format!("source: {name}")))?;
    let mounts = service.mounts.iter().map(|mount| match &mount.source {
        Some(source) => format!("\"{source}:{}\"", mount.target),
        None => format!("\"{}\"", mount.target),
    });
    list(text, "volumes", mounts)?;
    list(
        text,
        "ports",
        service.ports.iter().map(|port| format!("\"{}:{}\"", port.target, port.target)),
    )?;
    write_deploy(text, service)
}

fn list(
    text: &mut String,
    key: &str,
    items: impl Iterator<Item = impl std::fmt::Display>,
) -> Result {
    let mut items = items.peekable();
    if items.peek().is_some() {
        writeln!(text, "    {key}:")?;
    }
    items.try_for_each(|item| writeln!(text, "      - {item}"))
}

fn write_deploy(text: &mut String, service: &DeclaredService) -> Result {
    writeln!(text, "    deploy:")?;
    match service.mode {
        ServiceMode::Replicated { replicas } => writeln!(text, "      replicas: {replicas}")?,
        ServiceMode::Global => writeln!(text, "      mode: global")?,
        ServiceMode::ReplicatedJob { completions } => {
            writeln!(text, "      mode: replicated-job\n      replicas: {completions}")?;
        }
        ServiceMode::GlobalJob => writeln!(text, "      mode: global-job")?,
    }
    let condition = match service.restart {
        RestartCondition::Any => "any",
        RestartCondition::OnFailure => "on-failure",
        RestartCondition::None => "none",
    };
    writeln!(text, "      restart_policy:\n        condition: {condition}")?;
    let update = &service.update;
    let action = match update.failure_action {
        FailureAction::Pause => "pause",
        FailureAction::Continue => "continue",
        FailureAction::Rollback => "rollback",
    };
    let order = if update.start_first { "start-first" } else { "stop-first" };
    writeln!(
        text,
        "      update_config:\n        failure_action: {action}\n        order: {order}"
    )?;
    writeln!(
        text,
        "        monitor: {}ms\n        parallelism: {}",
        update.monitor_ms, update.parallelism
    )?;
    if !service.labels.is_empty() {
        writeln!(text, "      labels:")?;
        for (key, value) in &service.labels {
            writeln!(text, "        {key}: \"{value}\"")?;
        }
    }
    Ok(())
}

fn write_objects(text: &mut String, stack: &StackBuilder) -> Result {
    writeln!(text, "networks:")?;
    for name in stack.names(|service| &service.networks) {
        let external = if name.as_str() == "proxy" { "\n    external: true" } else { " {}" };
        writeln!(text, "  {name}:{external}")?;
    }
    let volumes = stack.volumes();
    section(
        text,
        "volumes",
        volumes.iter().map(|name| match stack.fixed_name(name) {
            Some(own) => format!("  {name}:\n    name: {own}"),
            None => format!("  {name}: {{}}"),
        }),
    )?;
    let configs = stack.names(|service| &service.configs);
    let config = |name: &cc_ci_model::name::ComposeName| {
        let version = shout(name.as_str());
        format!(
            "  {name}:\n    name: ${{STACK_NAME}}_{name}_${{{version}_VERSION}}\n    file: ./{name}.conf"
        )
    };
    section(text, "configs", configs.iter().map(config))?;
    let made = stack.names(|service| &service.secrets);
    let made = made.iter().map(|name| {
        let version = shout(name.as_str());
        format!("  {name}:\n    external: true\n    name: ${{STACK_NAME}}_{name}_${{SECRET_{version}_VERSION}}")
    });
    let unmade = stack
        .unmade_secrets()
        .iter()
        .map(|name| format!("  {name}:\n    external: true\n    name: ${{STACK_NAME}}_{name}_v1"));
    section(text, "secrets", made.chain(unmade))
}

fn section(text: &mut String, key: &str, entries: impl Iterator<Item = String>) -> Result {
    let mut entries = entries.peekable();
    if entries.peek().is_some() {
        writeln!(text, "{key}:")?;
    }
    entries.try_for_each(|entry| writeln!(text, "{entry}"))
}
