//! What `cc-ci doctor` prints: one line for each thing that was looked at, and below it what to
//! do, if there is something.
//!
//! Tests: at the end of this file.

use cc_ci_model::doctor::{DoctorReport, Finding, Level};

use crate::terminal::Style;
use crate::terminal::page::{Page, Paint};
use crate::words;

/// Room for what a finding is about, and two columns.
const TOPIC: usize = 16;

/// The report, with a line break at the end.
pub fn text(report: &DoctorReport, style: Style) -> String {
    let mut page = Page::new(style);
    headline(&mut page, report);
    page.blank();
    for finding in &report.findings {
        line(&mut page, finding);
    }
    page.finish()
}

fn headline(page: &mut Page, report: &DoctorReport) {
    let of = |level: Level| report.findings.iter().filter(|one| one.level == level).count();
    let warnings = match of(Level::Warning) {
        0 => String::new(),
        number => format!(", {}", words::count(number, "warning")),
    };
    let (word, paint, text) = match report.level {
        Level::Ok | Level::Warning => {
            ("OK", Paint::Green, format!("a run can work on this host{warnings}"))
        }
        Level::Problem => {
            let problems = words::count(of(Level::Problem), "problem");
            let text = format!("a run could not work on this host: {problems}{warnings}");
            ("PROBLEM", Paint::Red, text)
        }
    };
    let indent = word.len() + 2;
    page.hanging(&format!("{}  ", page.strong(word, paint)), indent, &text);
    let where_to = format!("engine {}, runs in {}", report.docker_host, report.state_folder);
    page.block(indent, &words::harmless(&where_to));
}

fn line(page: &mut Page, finding: &Finding) {
    let (mark, paint) = match finding.level {
        Level::Ok => ("✓", Paint::Green),
        Level::Warning => ("!", Paint::Yellow),
        Level::Problem => ("✗", Paint::Red),
    };
    let topic = finding.id.topic();
    let start = format!("  {} {topic:TOPIC$}", page.paint(mark, paint));
    let indent = 4 + TOPIC;
    page.hanging(&start, indent, &words::harmless(&what(finding)));
    if let Some(next) = &finding.next {
        let arrow = format!("{}→ ", " ".repeat(indent));
        page.hanging(&arrow, indent + 2, &words::harmless(next));
    }
}

/// Where something is well is worth its place only if that is a path.
fn what(finding: &Finding) -> String {
    if finding.level == Level::Ok && !finding.place.starts_with('/') {
        return finding.what.clone();
    }
    format!("{} ({})", finding.what, finding.place)
}

#[cfg(test)]
mod tests {
    use cc_ci_model::doctor::{DOCTOR_SCHEMA_VERSION, FindingId};
    use cc_ci_model::event::Tool;
    use cc_ci_model::time::Timestamp;

    use super::*;

    fn report(findings: Vec<Finding>) -> DoctorReport {
        DoctorReport {
            schema_version: DOCTOR_SCHEMA_VERSION,
            tool: Tool { version: "0.1.0".into(), commit: None },
            at: Timestamp::from_millis(0),
            docker_host: "unix:///var/run/docker.sock".into(),
            state_folder: "/var/lib/cc-ci".into(),
            level: findings.iter().map(|one| one.level).max().unwrap(),
            exit_code: 0,
            findings,
        }
    }

    const PLAIN: Style = Style { color: false, width: 80 };

    #[test]
    fn what_is_wrong_stands_above_what_to_do() {
        let report = report(vec![
            Finding::new(FindingId::Cli, "20.10.24", "PATH /usr/bin"),
            Finding::new(FindingId::Disk, "50.0 GiB free for runs", "/var/lib/cc-ci"),
            Finding::new(
                FindingId::MemoryLow,
                "900.0 MiB available, and a text that is too long for the line",
                "this host",
            )
            .next("stop what is not needed"),
            Finding::new(FindingId::ToolMissing, "git is missing\u{1b}[2J", "PATH /usr/bin")
                .next("install git"),
        ]);
        assert_eq!(text(&report, PLAIN), WRONG);
        let colored = text(&report, Style { color: true, width: 80 });
        assert!(colored.contains("\u{1b}[1;31mPROBLEM\u{1b}[0m"), "{colored}");
    }

    const WRONG: &str = "\
PROBLEM  a run could not work on this host: 1 problem, 1 warning
         engine unix:///var/run/docker.sock, runs in /var/lib/cc-ci

  ✓ docker CLI      20.10.24
  ✓ disk            50.0 GiB free for runs (/var/lib/cc-ci)
  ! memory          900.0 MiB available, and a text that is too long for the
                    line (this host)
                    → stop what is not needed
  ✗ programs        git is missing (PATH /usr/bin)
                    → install git
";

    #[test]
    fn a_host_on_which_all_is_well_is_one_word() {
        let all = report(vec![Finding::new(FindingId::Cli, "20.10.24", "PATH /usr/bin")]);
        assert!(text(&all, PLAIN).starts_with("OK  a run can work on this host\n"));
        let warned =
            report(vec![Finding::new(FindingId::VipsSilent, "do not answer", "kernel 6.1")]);
        assert!(text(&warned, PLAIN).starts_with("OK  a run can work on this host, 1 warning\n"));
    }

    #[test]
    fn every_topic_has_room() {
        for id in FindingId::ALL {
            assert!(id.topic().chars().count() + 2 <= TOPIC, "{}", id.topic());
        }
    }
}
