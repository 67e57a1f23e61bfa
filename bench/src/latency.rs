//! Detection latency (CONV-5): three ways to wait look at the same deploys: cc-ci's own, a poller,
//! and `docker stack deploy --detach=false`. Each latency is counted from the engine's own record
//! of the last change, without the time for which a way to wait wants to see it hold.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cc_ci_core::convergence::{Convergence, Wanted, WantedService, judge};
use cc_ci_core::ports::{Clock, StackView, StackWatch};
use cc_ci_engine::{Watched, settle};
use cc_ci_host::SystemClock;
use cc_ci_model::name::StackName;
use cc_ci_model::stack::StackFacts;
use cc_ci_model::time::Timestamp;
use cc_ci_swarm::Swarm;
use serde::Serialize;
use tokio::process::{Child, Command};

use crate::fixture::{self, REVISION_LABEL, SERVICES, Stack, docker};
use crate::record::{self, LastChange};
use crate::stats::{Summary, times};

/// How long cc-ci wants to see it hold. The docker CLI waits for the monitor period, which is as long.
const WINDOW: Duration = Duration::from_secs(1);

/// What many scripts do.
const POLL: Duration = Duration::from_secs(2);

/// No deploy of the fixture takes so long.
const LIMIT: Duration = Duration::from_mins(2);

/// What CONV-5 promises.
const PROMISED_MS: i64 = 300;

/// One deploy.
#[derive(Debug, Clone, Serialize)]
struct Round {
    /// `new`, `start-first` or `stop-first`.
    kind: &'static str,
    /// By the engine's record.
    change: LastChange,
    /// cc-ci's own wait, milliseconds after the record.
    cc_ci_ms: i64,
    /// The same, after what happened.
    cc_ci_since_happened_ms: i64,
    /// A poller every two seconds.
    poller_ms: i64,
    /// The docker CLI.
    cli_ms: i64,
}

impl Round {
    /// What each said, after the engine's record.
    fn of(
        kind: &'static str,
        change: LastChange,
        cc_ci: Timestamp,
        poller: Timestamp,
        cli: Timestamp,
    ) -> Self {
        let millis = |later: Timestamp, earlier: Timestamp| later.as_millis() - earlier.as_millis();
        let held = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        Self {
            kind,
            change,
            cc_ci_ms: millis(cc_ci, change.recorded) - held,
            cc_ci_since_happened_ms: millis(cc_ci, change.happened) - held,
            poller_ms: millis(poller, change.recorded),
            cli_ms: millis(cli, change.recorded) - held,
        }
    }
}

/// All deploys.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    load_before: String,
    load_after: String,
    docker: String,
    cc_ci: Summary,
    cc_ci_since_happened: Summary,
    poller: Summary,
    cli: Summary,
    /// Whether cc-ci's p99 is what CONV-5 promises.
    keeps_the_promise: bool,
    rounds: Vec<Round>,
}

/// Deploys so often, and looks.
pub(crate) async fn measure(rounds: u32) -> Result<Report> {
    let versions = "{{.Client.Version}} with engine {{.Server.Version}}";
    let docker = docker(&["version", "--format", versions])?.trim().to_owned();
    let load_before = load()?;
    let host =
        std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let swarm = Swarm::connect(&host)?;
    let folder = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut bench = Bench { clock, swarm, folder, scene: None };
    let mut all = Vec::new();
    for number in 0..rounds {
        let round = bench.round(number).await.with_context(|| format!("round {number}"))?;
        eprintln!(
            "{:>3} {:11} cc-ci {:>5} ms, poller {:>5} ms, docker CLI {:>5} ms",
            number + 1,
            round.kind,
            round.cc_ci_ms,
            round.poller_ms,
            round.cli_ms
        );
        all.push(round);
    }
    let summary = |of: fn(&Round) -> i64| Summary::of(all.iter().map(of));
    let cc_ci = summary(|round| round.cc_ci_ms);
    Ok(Report {
        load_before,
        load_after: load()?,
        docker,
        keeps_the_promise: cc_ci.early == 0 && cc_ci.n > 0 && cc_ci.p99 <= PROMISED_MS,
        cc_ci,
        cc_ci_since_happened: summary(|round| round.cc_ci_since_happened_ms),
        poller: summary(|round| round.poller_ms),
        cli: summary(|round| round.cli_ms),
        rounds: all,
    })
}

fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

struct Bench {
    clock: Arc<dyn Clock>,
    swarm: Swarm,
    folder: tempfile::TempDir,
    scene: Option<Scene>,
}

/// A stack and who watches it.
struct Scene {
    /// Gone with the scene.
    stack: Stack,
    ours: Watched,
    theirs: Box<dyn StackWatch>,
}

impl Bench {
    async fn round(&mut self, number: u32) -> Result<Round> {
        let (kind, order) = match number % 3 {
            0 => ("new", "start-first"),
            1 => ("start-first", "start-first"),
            _ => ("stop-first", "stop-first"),
        };
        if number.is_multiple_of(3) {
            self.scene = None;
            self.scene = Some(self.scene(number).await?);
        }
        let scene = self.scene.as_mut().context("there is no stack")?;
        let stack = scene.stack.0.clone();
        let file = fixture::write(self.folder.path(), number, order)?;
        let mut cli = deploy(&stack, &file.display().to_string())?;
        submitted(self.clock.as_ref(), scene, number).await?;
        let deadline = self.clock.now().plus(LIMIT);
        let tell = |_: &str| {};
        // Each round meets the fact at another part of the poller's two seconds.
        let phase = POLL / 10 * (number % 10);
        let (seen, polled, cli_ended) = tokio::join!(
            async {
                let ours = &mut scene.ours;
                let seen = settle(&self.clock, ours, wanted(), deadline, &tell).await;
                (seen, self.clock.now())
            },
            poll(self.clock.as_ref(), scene.theirs.as_mut(), phase, deadline),
            ended(self.clock.as_ref(), &mut cli),
        );
        let (seen, said) = seen;
        ensure!(!seen.expired && seen.engine_answers, "the stack did not settle");
        let change = record::last_change(&stack, &SERVICES)?;
        Ok(Round::of(kind, change, said, polled?, cli_ended?))
    }

    async fn scene(&self, number: u32) -> Result<Scene> {
        let name = format!("ccci-bench-{}-{number}", std::process::id());
        let stack: StackName = name.parse()?;
        let watch = self.swarm.watch(&stack).await?;
        Ok(Scene {
            stack: Stack(name),
            ours: Watched { watch, known: StackFacts::default() },
            theirs: self.swarm.watch(&stack).await?,
        })
    }
}

fn wanted() -> Wanted {
    let services = SERVICES
        .iter()
        .map(|name| WantedService {
            name: (*name).to_owned(),
            must_stay_up: None,
            starts_again: true,
        })
        .collect();
    Wanted { services, stability: WINDOW }
}

fn deploy(stack: &str, file: &str) -> Result<Child> {
    let mut command = Command::new("docker");
    command.args(["stack", "deploy", "--detach=false", "--resolve-image", "never"]);
    command.args(["--compose-file", file, stack]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.kill_on_drop(true).spawn().context("cannot run `docker`")
}

/// Waits until the engine has the revision: as in a run, where waiting begins after the deploy.
async fn submitted(clock: &dyn Clock, scene: &mut Scene, revision: u32) -> Result<()> {
    let revision = revision.to_string();
    let deadline = clock.now().plus(LIMIT);
    while clock.now() < deadline {
        let facts = scene.ours.watch.observe().await?;
        let carry = facts.services.iter();
        let carry = carry.filter(|one| one.labels.get(REVISION_LABEL) == Some(&revision)).count();
        if carry == SERVICES.len() {
            return Ok(());
        }
        clock.sleep_until(clock.now().plus(Duration::from_millis(10))).await;
    }
    bail!("revision {revision} was never submitted")
}

/// Looks every two seconds, and is content with the first look that shows everything in place.
async fn poll(
    clock: &dyn Clock,
    watch: &mut dyn StackWatch,
    phase: Duration,
    deadline: Timestamp,
) -> Result<Timestamp> {
    let mut next = clock.now().plus(phase);
    while clock.now() < deadline {
        clock.sleep_until(next).await;
        let facts = watch.observe().await?;
        if let Convergence::Converged { .. } = judge(&wanted(), &facts, Duration::MAX, clock.now())
        {
            return Ok(clock.now());
        }
        next = next.plus(POLL);
    }
    bail!("the poller saw nothing settle")
}

async fn ended(clock: &dyn Clock, cli: &mut Child) -> Result<Timestamp> {
    let status = cli.wait().await?;
    ensure!(status.success(), "`docker stack deploy --detach=false` failed ({status})");
    Ok(clock.now())
}

impl Report {
    /// For a person.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "docker CLI {}; load {} before, {} after",
                self.docker, self.load_before, self.load_after
            ),
            "milliseconds from the engine's record of the last change, without the window:"
                .to_owned(),
            format!("{:24}{:>5}{:>8}{:>8}{:>8}{:>8}", "", "n", "p50", "p99", "max", "early"),
        ];
        let rows = [
            ("cc-ci", &self.cc_ci),
            ("poller, 2 s", &self.poller),
            ("docker CLI", &self.cli),
            ("cc-ci, since it happened", &self.cc_ci_since_happened),
        ];
        for (name, Summary { n, p50, p99, max, early }) in rows {
            lines.push(format!("{name:24}{n:>5}{p50:>8}{p99:>8}{max:>8}{early:>8}"));
        }
        let ratio = |other: &Summary| {
            let (p50, p99) = (times(other.p50, self.cc_ci.p50), times(other.p99, self.cc_ci.p99));
            format!("{p50} times as long at p50, {p99} at p99")
        };
        lines.push(format!("the poller takes {}", ratio(&self.poller)));
        lines.push(format!("the docker CLI takes {}", ratio(&self.cli)));
        let kept = if self.keeps_the_promise { "kept" } else { "NOT kept" };
        lines.push(format!("p99 of at most {PROMISED_MS} ms, and never early: {kept}"));
        lines.join("\n")
    }
}
