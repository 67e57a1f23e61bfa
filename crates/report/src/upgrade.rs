//! What an upgrade changes and asks of an operator, in lines: for plans and for reports.

use cc_ci_model::difference::{Difference, OperatorStep, ValueDifference};

/// The longest value shown of a difference.
const VALUE: usize = 60;

/// A line for each step.
pub(crate) fn step(step: &OperatorStep) -> String {
    let noted = if step.noted { "" } else { " (the release notes do not say so)" };
    format!("{}{noted}", step.step)
}

/// A line for each change.
pub(crate) fn changes(difference: &Difference) -> Vec<String> {
    let mut lines: Vec<String> =
        difference.added.iter().map(|name| format!("service {name}: new")).collect();
    lines.extend(difference.dropped.iter().map(|name| {
        format!("service {name}: no longer defined; it stays running until somebody removes it")
    }));
    for service in &difference.changed {
        lines.extend(
            service
                .values
                .iter()
                .map(|value| format!("service {}: {}", service.service, change(value))),
        );
    }
    lines.extend(difference.objects.iter().cloned());
    lines.extend(difference.policy.iter().map(|value| format!("policy only: {}", change(value))));
    lines
}

fn change(value: &ValueDifference) -> String {
    match (&value.base, &value.head) {
        (Some(base), Some(head)) => {
            format!("{}: {} becomes {}", value.path, short(base), short(head))
        }
        (None, Some(head)) => format!("{}: new: {}", value.path, short(head)),
        (Some(base), None) => format!("{}: gone (was {})", value.path, short(base)),
        (None, None) => value.path.clone(),
    }
}

fn short(value: &str) -> String {
    let mut chars = value.chars();
    let cut: String = chars.by_ref().take(VALUE).collect();
    if chars.next().is_some() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_ci_model::difference::ServiceDifference;

    fn value(path: &str, base: Option<&str>, head: Option<&str>) -> ValueDifference {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ValueDifference { path: path.into(), base: owned(base), head: owned(head) }
    }

    #[test]
    fn changes_say_from_what_to_what() {
        let long = "x".repeat(99);
        let difference = Difference {
            added: vec!["cache".into()],
            dropped: vec!["old".into()],
            changed: vec![ServiceDifference {
                service: "app".into(),
                values: vec![
                    value("image", Some("nginx:1.27.0"), Some("nginx:1.28.0")),
                    value("environment.TZ", None, Some(&long)),
                    value("environment.DEBUG", Some("1"), None),
                ],
            }],
            objects: vec!["volume data: new".into()],
            policy: vec![value("app.replicas", Some("1"), Some("2"))],
        };
        assert_eq!(
            changes(&difference),
            [
                "service cache: new",
                "service old: no longer defined; it stays running until somebody removes it",
                "service app: image: nginx:1.27.0 becomes nginx:1.28.0",
                &format!("service app: environment.TZ: new: {}…", &long[..VALUE]),
                "service app: environment.DEBUG: gone (was 1)",
                "volume data: new",
                "policy only: app.replicas: 1 becomes 2",
            ]
        );
    }

    #[test]
    fn a_step_nobody_was_told_of_says_so() {
        let noted =
            |noted| OperatorStep { key: "A".into(), step: "set A in the env".into(), noted };
        assert_eq!(step(&noted(true)), "set A in the env");
        assert_eq!(step(&noted(false)), "set A in the env (the release notes do not say so)");
    }
}
