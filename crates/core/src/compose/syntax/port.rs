//! Published ports in the short syntax: `80`, `8080:80/udp`, `127.0.0.1:8000-8002:80`.

/// A published port; `published` 0 lets the engine choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::compose) struct Port {
    pub(in crate::compose) target: u16,
    pub(in crate::compose) published: u16,
    pub(in crate::compose) protocol: String,
}

/// What a text publishes, in docker's order, and whether it names an address (which docker
/// ignores).
pub(in crate::compose) fn ports(text: &str) -> Option<(Vec<Port>, bool)> {
    let (address, host, container) = parts(text);
    let (container, protocol) = match container.split_once('/') {
        Some((container, protocol)) => (container, protocol.split('/').next()?),
        None => (container, ""),
    };
    let protocol = if protocol.is_empty() { "tcp" } else { &protocol.to_ascii_lowercase() };
    let is_known = matches!(protocol, "tcp" | "udp" | "sctp");
    let (start, end) = port_range(container).filter(|_| is_known && is_address(address))?;
    let host = if host.is_empty() { None } else { Some(port_range(host)?) };
    let published = |target: u16| match host {
        None => Some(0..=0),
        Some((first, last)) if start == end => Some(first..=last),
        Some((first, last)) => (last - first == end - start)
            .then(|| first + (target - start)..=first + (target - start)),
    };
    let mut targets: Vec<u16> = (start..=end).collect();
    // Docker sorts by the port as text.
    targets.sort_by_key(ToString::to_string);
    let mut found = Vec::new();
    for target in targets {
        for published in published(target)? {
            found.push(Port { target, published, protocol: protocol.to_owned() });
        }
    }
    Some((found, !address.is_empty()))
}

fn parts(text: &str) -> (&str, &str, &str) {
    match text.rsplit_once(':') {
        None => ("", "", text),
        Some((rest, container)) => match rest.rsplit_once(':') {
            None => ("", rest, container),
            Some((address, host)) => (address, host, container),
        },
    }
}

fn is_address(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.is_empty() || bare.parse::<std::net::IpAddr>().is_ok()
}

/// One port, or the first and last of a range.
pub(in crate::compose) fn port_range(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|_| !text.starts_with('+'));
    match text.split_once('-') {
        None => port(text).map(|port| (port, port)),
        Some((first, rest)) => {
            let last = rest.split('-').next()?;
            let (first, last) = (port(first)?, port(last)?);
            (first <= last).then_some((first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ports_are_what_docker_reads() {
        for (text, expected) in [
            ("80", Some("80>0/tcp")),
            ("8080:80", Some("80>8080/tcp")),
            ("127.0.0.1:80:81/UDP", Some("81>80/udp")),
            ("[::1]:82:82", Some("82>82/tcp")),
            ("::1:82:82", Some("82>82/tcp")),
            ("8000-8001:9000-9001", Some("9000>8000/tcp 9001>8001/tcp")),
            ("8000-8001:80", Some("80>8000/tcp 80>8001/tcp")),
            ("99-100", Some("100>0/tcp 99>0/tcp")),
            ("80/", Some("80>0/tcp")),
            (":80", Some("80>0/tcp")),
            ("1.2.3.4::80", Some("80>0/tcp")),
            ("80:90/foo", None),
            ("a", None),
            ("", None),
            ("8000-8002:80-81", None),
            ("3-2", None),
            ("70000", None),
            ("x:80:80", None),
            ("+80", None),
        ] {
            let found = ports(text).map(|(ports, _)| {
                let each =
                    ports.iter().map(|p| format!("{}>{}/{}", p.target, p.published, p.protocol));
                each.collect::<Vec<_>>().join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(ports("1.2.3.4:80:80").is_some_and(|(_, has_address)| has_address));
    }
}
