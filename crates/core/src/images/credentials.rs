//! The user's logins at registries, as the docker CLI keeps them in `config.json`: `auths`, and
//! programs that keep them elsewhere (`credHelpers`, `credsStore`). Documented at
//! <https://docs.docker.com/reference/cli/docker/login/>.

use std::collections::BTreeMap;

use base64::Engine as _;
use cc_ci_model::secret::Secret;
use serde::Deserialize;

/// Docker Hub, as it is called in `config.json`.
const HUB: &str = "https://index.docker.io/v1/";

/// What a helper says where there is no login.
const NO_LOGIN: &str = "credentials not found";

/// What a helper gives as the user of an identity token.
const TOKEN_USER: &str = "<token>";

/// What is wrong with a login. It never holds the login itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The file is not one of docker's.
    #[error("docker's config.json can not be read (line {line}, column {column})")]
    Config {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// An `auth` that is not `user:password` in base64.
    #[error(
        "docker's config.json has no usable login for {registry}: run `docker login {registry}`"
    )]
    Login {
        /// The registry.
        registry: String,
    },
    /// A helper that did not give one.
    #[error("the credential helper {helper} did not give the login for {registry}: {message}")]
    Helper {
        /// The program.
        helper: String,
        /// The registry.
        registry: String,
        /// What happened.
        message: String,
    },
}

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that stands for both.
    Token(Secret),
}

/// Where the login for a registry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// There is none.
    Nowhere,
    /// In the file itself.
    File(Login),
    /// A program has it: `docker-credential-<name> get`, with the registry on standard input.
    Helper {
        /// The program.
        program: String,
        /// What it is asked for.
        registry: String,
    },
}

/// Docker's `config.json`, as far as logins go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Logins {
    auths: BTreeMap<String, Entry>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// The registry an image comes from, as `config.json` calls it. Only a first part with a dot or
/// a port, or `localhost`, is a host.
pub fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => {
            if matches!(host, "docker.io" | "index.docker.io") { HUB } else { host }
        }
        Some(_) | None => HUB,
    }
}

impl Logins {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        // The parser's own words could repeat a part of the file.
        serde_json::from_str(text).map_err(|error| CredentialsError::Config {
            line: error.line(),
            column: error.column(),
        })
    }

    /// Where the login for a registry is, in docker's own order.
    ///
    /// # Errors
    /// When the file has one that is of no use.
    pub fn find(&self, registry: &str) -> Result<Source, CredentialsError> {
        let helper = self.helpers.get(registry).filter(|name| !name.is_empty());
        let store = Some(&self.store).filter(|name| !name.is_empty());
        if let Some(name) = helper.or(store) {
            let program = format!("docker-credential-{name}");
            return Ok(Source::Helper { program, registry: registry.to_owned() });
        }
        let by_host = || self.auths.iter().find(|(key, _)| host_of(key) == host_of(registry));
        match self.auths.get(registry).or_else(|| by_host().map(|(_, entry)| entry)) {
            Some(entry) => entry.login(registry),
            None => Ok(Source::Nowhere),
        }
    }
}

/// Old files have addresses for keys.
fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

impl Entry {
    fn login(&self, registry: &str) -> Result<Source, CredentialsError> {
        if !self.identitytoken.is_empty() {
            return Ok(Source::File(Login::Token(Secret::new(&self.identitytoken))));
        }
        let unusable = || CredentialsError::Login { registry: registry.to_owned() };
        let (user, password) = if self.auth.is_empty() {
            (self.username.clone(), self.password.clone())
        } else {
            let bytes = base64::engine::general_purpose::STANDARD.decode(self.auth.trim());
            let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(unusable)?;
            let (user, password) = text.split_once(':').ok_or_else(unusable)?;
            (user.to_owned(), password.trim_end_matches('\0').to_owned())
        };
        if user.is_empty() {
            return Ok(Source::Nowhere);
        }
        Ok(Source::File(Login::Password { user, password: Secret::new(password) }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    username: String,
    secret: String,
}

impl Login {
    /// Reads what a helper wrote, with its exit code; `None` when it knows of no login.
    ///
    /// # Errors
    /// When it failed otherwise.
    pub fn given_by(
        helper: &str,
        registry: &str,
        code: Option<i32>,
        said: &str,
    ) -> Result<Option<Login>, CredentialsError> {
        let failed = |message: &str| CredentialsError::Helper {
            helper: helper.to_owned(),
            registry: registry.to_owned(),
            message: message.to_owned(),
        };
        match (code, serde_json::from_str::<Given>(said)) {
            (Some(0), Ok(given)) if given.username == TOKEN_USER => {
                Ok(Some(Login::Token(Secret::new(given.secret))))
            }
            (Some(0), Ok(Given { username, secret })) => {
                Ok(Some(Login::Password { user: username, password: Secret::new(secret) }))
            }
            (Some(0), Err(_)) => Err(failed("its answer can not be read")),
            (_, _) if said.contains(NO_LOGIN) => Ok(None),
            (Some(code), _) => Err(failed(&format!("exit code {code}"))),
            (None, _) => Err(failed("it did not end in time")),
        }
    }

    /// What the engine wants in `X-Registry-Auth`.
    pub fn header(&self, registry: &str) -> Secret {
        let value = match self {
            Login::Password { user, password } => serde_json::json!({
                "username": user, "password": password.expose(), "serveraddress": registry,
            }),
            Login::Token(token) => serde_json::json!({
                "identitytoken": token.expose(), "serveraddress": registry,
            }),
        };
        Secret::new(base64::engine::general_purpose::URL_SAFE.encode(value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn registry(image: &str, expected: &str) {
        assert_eq!(registry_of(image), expected);
    }

    #[test]
    fn an_image_comes_from_a_registry() {
        registry("nginx", HUB);
        registry("library/nginx", HUB);
        registry("docker.io/library/nginx", HUB);
        registry("ghcr.io/a/b", "ghcr.io");
        registry("127.0.0.1:5000/a", "127.0.0.1:5000");
        registry("localhost/a", "localhost");
    }

    fn password(user: &str, password: &str) -> Source {
        Source::File(Login::Password { user: user.into(), password: Secret::new(password) })
    }

    #[test]
    fn logins_are_found_as_docker_finds_them() {
        let text = r#"{
            "auths": {
                "https://index.docker.io/v1/": { "auth": "aHViOnB3OjE=" },
                "ghcr.io": { "identitytoken": "tok" },
                "https://old.example.org/v1/": { "username": "u", "password": "p" },
                "empty.example.org": {},
                "broken.example.org": { "auth": "%%" }
            },
            "credHelpers": { "ecr.example.org": "ecr-login" },
            "HttpHeaders": { "User-Agent": "x" }
        }"#;
        let logins = Logins::parse(text).unwrap();
        assert_eq!(logins.find(HUB), Ok(password("hub", "pw:1")));
        assert_eq!(logins.find("ghcr.io"), Ok(Source::File(Login::Token(Secret::new("tok")))));
        assert_eq!(logins.find("old.example.org"), Ok(password("u", "p")));
        assert_eq!(logins.find("empty.example.org"), Ok(Source::Nowhere));
        assert_eq!(logins.find("other.example.org"), Ok(Source::Nowhere));
        let refused = logins.find("broken.example.org").unwrap_err();
        assert!(refused.to_string().contains("docker login broken.example.org"), "{refused}");
        let by = |program: &str, registry: &str| {
            Ok(Source::Helper { program: program.into(), registry: registry.into() })
        };
        assert_eq!(
            logins.find("ecr.example.org"),
            by("docker-credential-ecr-login", "ecr.example.org")
        );
        let stored = Logins::parse(r#"{"auths": {"ghcr.io": {}}, "credsStore": "pass"}"#).unwrap();
        assert_eq!(stored.find("ghcr.io"), by("docker-credential-pass", "ghcr.io"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        let refused = Logins::parse("{\"auths\": {\"x\": {\"auth\": hunter22}}}").unwrap_err();
        assert!(!refused.to_string().contains("hunter22"), "{refused}");
        let logins = Logins::parse(r#"{"auths": {"x": {"auth": "aHViOmh1bnRlcjIy"}}}"#).unwrap();
        let shown = format!("{logins:?} {:?}", logins.find("x"));
        assert!(!shown.contains("hunter22") && !shown.contains("aHViOmh1bnRlcjIy"), "{shown}");
    }

    #[test]
    fn helpers_answer_in_their_own_format() {
        let given = |code, said: &str| Login::given_by("helper", "ghcr.io", code, said);
        let said = r#"{"ServerURL":"ghcr.io","Username":"u","Secret":"p"}"#;
        let Source::File(login) = password("u", "p") else { panic!() };
        assert_eq!(given(Some(0), said), Ok(Some(login)));
        let said = r#"{"Username":"<token>","Secret":"tok"}"#;
        assert_eq!(given(Some(0), said), Ok(Some(Login::Token(Secret::new("tok")))));
        assert_eq!(given(Some(1), "credentials not found in native keychain"), Ok(None));
        for (code, said) in [(Some(0), "{"), (Some(1), "pass is locked"), (None, "")] {
            assert!(given(code, said).is_err(), "{code:?} {said}");
        }
    }

    #[test]
    fn the_engine_gets_a_login_in_a_header() {
        let decoded = |login: Login| {
            let header = login.header("ghcr.io");
            let bytes = base64::engine::general_purpose::URL_SAFE.decode(header.expose()).unwrap();
            serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
        };
        let login = Login::Password { user: "u".into(), password: Secret::new("p?>") };
        assert_eq!(
            decoded(login),
            serde_json::json!({"username": "u", "password": "p?>", "serveraddress": "ghcr.io"})
        );
        let token = decoded(Login::Token(Secret::new("t")));
        assert_eq!(token, serde_json::json!({"identitytoken": "t", "serveraddress": "ghcr.io"}));
    }
}
