//! Objects on the engine that are not cc-ci's, and must be left alone.

use crate::engine::{docker, inspect, try_docker};

/// An image for containers of these tests.
const IMAGE: &str = "cc-ci-fixture.invalid/static-web:2.3.0";

/// Objects of somebody else. Gone when dropped.
#[derive(Debug, Default)]
pub struct Strangers {
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    kind: &'static str,
    name: String,
    as_made: String,
}

impl Strangers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A volume with a file `precious` in it, labelled as Docker labels a stack's if there is one.
    pub fn volume(&mut self, name: &str, stack: Option<&str>) {
        let label = stack.map(|stack| format!("com.docker.stack.namespace={stack}"));
        let mut arguments = vec!["volume", "create"];
        arguments.extend(label.iter().flat_map(|label| ["--label", label]));
        arguments.push(name);
        docker(&arguments);
        self.is_there("volume", name);
        in_volume(name, "echo theirs >/volume/precious");
        self.is_as_it_should_be();
    }

    /// A network of the Swarm.
    pub fn network(&mut self, name: &str) {
        docker(&["network", "create", "--driver", "overlay", name]);
        self.made("network", name);
    }

    /// A secret.
    pub fn secret(&mut self, name: &str) {
        docker(&["secret", "create", name, "/etc/hostname"]);
        self.made("secret", name);
    }

    /// A config.
    pub fn config(&mut self, name: &str) {
        docker(&["config", "create", name, "/etc/hostname"]);
        self.made("config", name);
    }

    /// A service without tasks, of another stack.
    pub fn service(&mut self, name: &str, stack: &str) {
        let label = format!("com.docker.stack.namespace={stack}");
        let more = ["--detach", "--no-resolve-image", "--replicas", "0", "--label", &label];
        let arguments = [&["service", "create", "--name", name], &more[..], &[IMAGE]].concat();
        docker(&arguments);
        self.made("service", name);
    }

    /// A service whose task holds a port of the host.
    pub fn publishing_service(&mut self, name: &str, port: u16) {
        let publish = format!("mode=host,published={port},target=80");
        let more = ["--no-resolve-image", "--publish", &publish];
        // Not detached: from here on the port is taken.
        let arguments = [&["service", "create", "--name", name], &more[..]].concat();
        docker(&[&arguments[..], &[IMAGE, "sleep", "1000"]].concat());
        self.made("service", name);
    }

    /// Everything is as it was made.
    ///
    /// # Panics
    /// When something is gone or changed.
    #[track_caller]
    pub fn are_untouched(&self) {
        for Object { kind, name, as_made } in &self.objects {
            assert_eq!(&inspect(kind, name), as_made, "{kind} {name}");
            if *kind == "volume" {
                assert_eq!(
                    in_volume(name, "ls -A /volume; cat /volume/precious"),
                    "precious\ntheirs"
                );
            }
        }
    }

    fn made(&mut self, kind: &'static str, name: &str) {
        self.is_there(kind, name);
        self.is_as_it_should_be();
    }

    /// From now on it has to be removed.
    fn is_there(&mut self, kind: &'static str, name: &str) {
        self.objects.push(Object { kind, name: name.to_owned(), as_made: String::new() });
    }

    /// The last one is complete: what is inside a volume shows in its dates.
    fn is_as_it_should_be(&mut self) {
        if let Some(last) = self.objects.last_mut() {
            last.as_made = inspect(last.kind, &last.name);
        }
    }
}

fn in_volume(volume: &str, command: &str) -> String {
    let mount = format!("{volume}:/volume");
    docker(&["run", "--rm", "--network", "none", "-v", &mount, IMAGE, "sh", "-c", command])
}

impl Drop for Strangers {
    fn drop(&mut self) {
        for object in self.objects.iter().rev() {
            try_docker(&[object.kind, "rm", &object.name]);
        }
    }
}
