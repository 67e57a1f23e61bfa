//! The front page: answers, and is no error page (TEST-4).

use cc_ci_model::evidence::{HttpSeen, PageSeen, PathSeen};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::HttpGate;

use super::{Assessment, Check, Context, is_good};

/// Texts of error pages that come with a status of success, as titles or headings.
const ERROR_PAGES: [&str; 7] = [
    "404 not found",
    "403 forbidden",
    "500 internal server error",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway time",
    "fatal error",
];

pub(super) fn assess(context: Context<'_>, seen: &PageSeen) -> Assessment {
    let page = match (&seen.answer, &seen.problem) {
        (Some(answer), _) => judge(answer, context.plan.gate.as_ref()),
        (None, Some(problem)) => {
            let reason = format!("the front page did not answer: {problem}");
            Check::with("front_page", Outcome::failed(reason))
        }
        (None, None) => {
            Check::with("front_page", Outcome::errored("the front page was not asked for"))
        }
    };
    let mut assessment = Assessment::of(page);
    assessment.checks.extend(seen.asset.as_ref().map(asset));
    if context.plan.gate.as_ref().is_some_and(|gate| gate.not_found) {
        assessment.checks.push(unknown_path(seen.unknown.as_ref()));
    }
    assessment
}

/// An asset that is not there, or that the server fails on. One that wants a login is there.
fn asset(seen: &PathSeen) -> Check {
    match (seen.status, &seen.problem) {
        (Some(status), _) if status != 404 && status != 410 && status < 500 => {
            Check::passed("asset", format!("{} answers {status}", seen.path))
        }
        (Some(status), _) => {
            let reason = format!("the front page names {}, which answers {status}", seen.path);
            Check::with("asset", Outcome::failed(reason))
        }
        (None, problem) => {
            let problem = problem.as_deref().unwrap_or("no answer");
            let reason = format!("the front page names {}: {problem}", seen.path);
            Check::with("asset", Outcome::failed(reason))
        }
    }
}

/// `[tests] not_found`: a page that says "not found" with status 200 fools every monitor.
fn unknown_path(seen: Option<&PathSeen>) -> Check {
    match seen.map(|seen| (seen.status, &seen.path)) {
        Some((Some(404), path)) => Check::passed("not_found", format!("{path} answers 404")),
        Some((Some(status), path)) => {
            let reason = format!("unknown path {path} answers {status}, not 404");
            Check::with("not_found", Outcome::failed(reason))
        }
        Some((None, path)) => {
            let reason = format!("unknown path {path} got no answer");
            Check::with("not_found", Outcome::failed(reason))
        }
        None => Check::with("not_found", Outcome::errored("no unknown path was asked for")),
    }
}

fn judge(answer: &HttpSeen, gate: Option<&HttpGate>) -> Check {
    if gate.is_none_or(|gate| !is_good(gate, answer)) {
        let reason =
            format!("the front page answers {}, which does not count as an answer", answer.status);
        return Check::with("front_page", Outcome::failed(reason));
    }
    if answer.bytes == 0 && answer.status == 200 {
        return Check::with("front_page", Outcome::failed("the front page is empty"));
    }
    if let Some(text) = error_text(answer) {
        let reason =
            format!("the front page answers {} but is an error page: `{text}`", answer.status);
        return Check::with("front_page", Outcome::failed(reason));
    }
    Check::passed("front_page", format!("status {}, {} bytes", answer.status, answer.bytes))
}

/// The error a page's title or first heading names, if it does.
fn error_text(answer: &HttpSeen) -> Option<&'static str> {
    let text = answer.excerpt.to_lowercase();
    let headline = ["title", "h1"].iter().filter_map(|tag| element(&text, tag)).collect::<Vec<_>>();
    ERROR_PAGES.into_iter().find(|sign| {
        headline.iter().any(|found| found.contains(sign)) || text.trim_start().starts_with(sign)
    })
}

fn element<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let start = text.find(&format!("<{tag}"))?;
    let inner = &text[start..];
    let open = inner.find('>')? + 1;
    let end = inner[open..].find(&format!("</{tag}"))?;
    Some(&inner[open..open + end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_ci_model::outcome::Status;

    #[track_caller]
    fn check(status: u16, body: &str, expected: Status) {
        let answer = HttpSeen {
            url: "http://app/".into(),
            status,
            redirects: 0,
            location: None,
            content_type: None,
            bytes: body.len() as u64,
            excerpt: body.into(),
        };
        let gate = HttpGate {
            service: "app".parse().unwrap(),
            port: 80,
            why: String::new(),
            path: "/".into(),
            statuses: [200, 204].into(),
            successes: 1,
            interval_ms: 1,
            not_found: false,
        };
        assert_eq!(judge(&answer, Some(&gate)).outcome.status(), expected, "{body}");
    }

    #[test]
    fn an_error_page_with_status_200_is_not_an_answer() {
        check(200, "<html><title>Welcome</title><h1>Hi</h1>", Status::Passed);
        check(200, "<TITLE>502 Bad Gateway</TITLE>", Status::Failed);
        check(200, "404 Not Found", Status::Failed);
        check(200, "<title>About</title><p>what a 404 Not Found page is</p>", Status::Passed);
        check(200, "", Status::Failed);
        check(204, "", Status::Passed);
        check(500, "<title>Welcome</title>", Status::Failed);
        check(200, "<title", Status::Passed);
    }
}
