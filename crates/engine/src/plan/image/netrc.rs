//! `.netrc`: user names and passwords by host. Only what a build's own hosts need reaches the build.

/// The entries for these hosts, in the file's own form; empty if there are none. A `default` entry is nobody's
/// in particular and stays here.
pub(super) fn entries(text: &str, hosts: &[&str]) -> String {
    let mut kept = String::new();
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let mut is_wanted = false;
    while let Some(word) = words.next() {
        match word {
            "machine" => {
                let host = words.next().unwrap_or_default();
                is_wanted = hosts.contains(&host);
                if is_wanted {
                    kept.push_str(&format!("machine {host}\n"));
                }
            }
            // Everything behind them is no entry of a host.
            "default" | "macdef" => break,
            "login" | "password" | "account" => {
                let value = words.next().unwrap_or_default();
                if is_wanted {
                    kept.push_str(&format!("{word} {value}\n"));
                }
            }
            _ => {}
        }
    }
    kept
}

/// The host of an address, without user, port and path.
pub(super) fn host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', ' ', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(
        host.rsplit_once(':')
            .map_or(host, |(name, port)| if port.chars().all(|c| c.is_ascii_digit()) { name } else { host }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hosts_of_the_build_are_taken() {
        let text = "# mine\nmachine a.example login me password p1\nmachine b.example\n  login you\n  password p2\ndefault login x password p3\n";
        assert_eq!(entries(text, &["b.example"]), "machine b.example\nlogin you\npassword p2\n");
        assert_eq!(entries(text, &["c.example"]), "");
        assert_eq!(host("https://u:p@h.example:8080/simple"), Some("h.example"));
        assert_eq!(host("http://127.0.0.1:9/x"), Some("127.0.0.1"));
    }
}
