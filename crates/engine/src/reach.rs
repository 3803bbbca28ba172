//! Why a node cannot be reached: an attempt and the machine's routes in, a named cause out.

use crate::failure::{Blame, Failure};
use crate::message;
use crate::message::Message;
use core::net::{IpAddr, Ipv4Addr};

/// How an attempt to connect ended, in the words of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The name means no address.
    NotResolved,
    /// The node, or something before it, said no.
    Refused,
    /// Nobody said anything.
    TimedOut,
    /// There is no way there, or nobody at its end.
    Unreachable,
    /// A device on the way forbids it.
    Forbidden,
}

/// What this machine's routes know of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Nothing.
    None,
    /// Only where everything goes that nothing better is known of.
    Default,
    /// A way of its own: a network that this machine is in, or that a tunnel leads to.
    Own,
}

/// Why nobody can attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The name means no address here.
    NotResolved,
    /// The node answers, and nobody listens on the port yet.
    NotListening,
    /// The node answers, and its port says no for longer than a start takes.
    Refused,
    /// Packets vanish on a way that is there.
    Filtered,
    /// There is no way to the address.
    NoRoute,
    /// The address is a private one of a network that this machine is not in.
    OutsideNetwork,
    /// There is no `ssh` on this machine.
    NoSsh,
    /// The host between has not the key that is known of it, or none is known.
    JumpHostKey,
    /// The host between does not let this user in.
    JumpDenied,
    /// The name of the host between means no address here.
    JumpNotResolved,
    /// The host between answers, and its SSH port says no.
    JumpRefused,
    /// Nothing comes back from the host between.
    JumpUnreachable,
    /// The host between forbids to be led through.
    JumpForbids,
    /// `ssh` has ended for another reason, in its own words.
    JumpFailed,
}

/// The cause behind a failed attempt. `is_early` says that the process may not listen yet.
pub fn cause(attempt: Attempt, address: Option<IpAddr>, route: Route, is_early: bool) -> Cause {
    let is_private = address.is_some_and(is_private);
    match (attempt, route) {
        (Attempt::NotResolved, _) => Cause::NotResolved,
        (Attempt::Refused, _) if is_early => Cause::NotListening,
        (Attempt::Refused, _) => Cause::Refused,
        (Attempt::Forbidden, _) => Cause::Filtered,
        // The internet, to which a default route leads, has no private addresses.
        (Attempt::TimedOut | Attempt::Unreachable, Route::Default) if is_private => Cause::OutsideNetwork,
        (Attempt::TimedOut, Route::Own | Route::Default) => Cause::Filtered,
        (Attempt::TimedOut | Attempt::Unreachable, _) => Cause::NoRoute,
    }
}

impl Cause {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Cause::NotResolved => "notResolved",
            Cause::NotListening => "notListening",
            Cause::Refused => "refused",
            Cause::Filtered => "filtered",
            Cause::NoRoute => "noRoute",
            Cause::OutsideNetwork => "outsideNetwork",
            Cause::NoSsh => "noSsh",
            Cause::JumpHostKey => "jumpHostKey",
            Cause::JumpDenied => "jumpDenied",
            Cause::JumpNotResolved => "jumpNotResolved",
            Cause::JumpRefused => "jumpRefused",
            Cause::JumpUnreachable => "jumpUnreachable",
            Cause::JumpForbids => "jumpForbids",
            Cause::JumpFailed => "jumpFailed",
        }
    }

    /// What a person reads of a process at this address. `jump` is the host that was to lead there.
    pub fn failure(self, address: &str, port: u16, jump: Option<&str>) -> Failure {
        let host = jump.unwrap_or_default();
        if let Some((what, fix)) = self.of_jump(host) {
            return Failure::new(Blame::Environment, what).with_fix(fix);
        }
        let (what, fix) = match self {
            Cause::NotResolved => {
                (message!("reach.not-resolved", address = address), message!("reach.not-resolved.fix"))
            }
            Cause::NotListening => (
                message!("reach.not-listening", address = address, port = port),
                message!("reach.not-listening.fix"),
            ),
            Cause::Refused => {
                (message!("reach.refused", address = address, port = port), message!("reach.refused.fix"))
            }
            Cause::Filtered => (
                message!("reach.filtered", address = address, port = port),
                message!("reach.filtered.fix", port = port),
            ),
            Cause::NoRoute if jump.is_some() => {
                (message!("reach.no-route-from", host = host, address = address), message!("reach.jump.fix"))
            }
            Cause::NoRoute => (message!("reach.no-route", address = address), message!("reach.no-route.fix")),
            _ => {
                (message!("reach.outside-network", address = address), message!("reach.outside-network.fix"))
            }
        };
        Failure::new(Blame::Environment, what).with_fix(fix)
    }

    /// What is wrong with the way to the host between, and what to do.
    fn of_jump(self, host: &str) -> Option<(Message, Message)> {
        Some(match self {
            Cause::NoSsh => (message!("reach.no-ssh"), message!("reach.no-ssh.fix")),
            Cause::JumpHostKey => (
                message!("reach.jump-host-key", host = host),
                message!("reach.jump-host-key.fix", host = host),
            ),
            Cause::JumpDenied => {
                (message!("reach.jump-denied", host = host), message!("reach.jump-denied.fix", host = host))
            }
            Cause::JumpNotResolved => {
                (message!("reach.jump-not-resolved", host = host), message!("reach.jump-not-resolved.fix"))
            }
            Cause::JumpRefused => {
                (message!("reach.jump-refused", host = host), message!("reach.jump-refused.fix"))
            }
            Cause::JumpUnreachable => {
                (message!("reach.jump-unreachable", host = host), message!("reach.jump-unreachable.fix"))
            }
            Cause::JumpForbids => {
                (message!("reach.jump-forbids", host = host), message!("reach.jump-forbids.fix"))
            }
            Cause::JumpFailed => {
                (message!("reach.jump-failed", host = host), message!("reach.jump-failed.fix", host = host))
            }
            _ => return None,
        })
    }
}

/// The cause behind an `ssh -W` that has ended, from what it said. `is_early` says that the process may not
/// listen yet.
pub fn cause_of_ssh(said: &str, is_early: bool) -> Cause {
    let is_said = |words: &str| said.contains(words);
    // The host between says this of the node; the rest is said of the host between.
    if let Some((_, of_node)) = said.split_once("open failed: ") {
        let line = of_node.lines().next().unwrap_or_default();
        return match line {
            _ if line.contains("administratively prohibited") => Cause::JumpForbids,
            _ if line.contains("refused") && is_early => Cause::NotListening,
            _ if line.contains("refused") => Cause::Refused,
            _ if line.contains("timed out") => Cause::Filtered,
            _ if line.contains("No route") || line.contains("unreachable") => Cause::NoRoute,
            // The resolver of each system has its own words.
            _ if line.contains("connect failed") => Cause::NotResolved,
            _ => Cause::JumpFailed,
        };
    }
    match said {
        _ if is_said("Host key verification failed") || is_said("IDENTIFICATION HAS CHANGED") => {
            Cause::JumpHostKey
        }
        _ if is_said("Permission denied") || is_said("Too many authentication failures") => Cause::JumpDenied,
        _ if is_said("Could not resolve hostname") => Cause::JumpNotResolved,
        _ if is_said("Connection refused") => Cause::JumpRefused,
        _ if is_said("timed out") || is_said("No route to host") || is_said("unreachable") => {
            Cause::JumpUnreachable
        }
        _ => Cause::JumpFailed,
    }
}

/// The last thing that `ssh` said, for a person.
pub fn words_of_ssh(said: &str) -> Option<String> {
    let general = |line: &&str| line.starts_with("stdio forwarding failed") || line.trim().is_empty();
    said.lines().rev().map(str::trim).find(|line| !general(line)).map(str::to_owned)
}

/// What the kernel's table of routes (`/proc/net/route`) knows of an address. Only version 4 is told apart.
pub fn route_to(table: &str, address: IpAddr) -> Route {
    let IpAddr::V4(address) = address else { return Route::Own };
    let hex =
        |field: Option<&str>| u32::from_str_radix(field.unwrap_or_default(), 16).ok().map(u32::swap_bytes);
    let masks = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let network = hex(fields.next())?;
        let mask = hex(fields.nth(5))?;
        (u32::from(address) & mask == network).then_some(mask)
    });
    match masks.max() {
        None => Route::None,
        Some(0) => Route::Default,
        Some(_) => Route::Own,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        // 100.64.0.0/10 is shared by carriers, and by cloud networks as private.
        IpAddr::V4(address) => {
            address.is_private() || (address & Ipv4Addr::new(255, 192, 0, 0)) == Ipv4Addr::new(100, 64, 0, 0)
        }
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        tun0\t00000A0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    #[test]
    fn the_best_route_counts() {
        let of = |address: &str| route_to(ROUTES, address.parse().expect("an address"));
        assert_eq!(of("10.10.3.4"), Route::Own);
        assert_eq!(of("192.0.2.9"), Route::Own);
        assert_eq!(of("10.3.0.5"), Route::Default);
        assert_eq!(route_to("header\n", "10.3.0.5".parse().expect("an address")), Route::None);
    }

    #[test]
    fn what_ssh_says_names_the_cause() {
        for (said, cause) in [
            ("Host key verification failed.", Cause::JumpHostKey),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                Cause::JumpHostKey,
            ),
            ("ada@jump: Permission denied (publickey,password).", Cause::JumpDenied),
            ("ssh: Could not resolve hostname jump: Name or service not known", Cause::JumpNotResolved),
            ("ssh: connect to host jump port 22: Connection refused", Cause::JumpRefused),
            ("ssh: connect to host jump port 22: Connection timed out", Cause::JumpUnreachable),
            ("ssh: connect to host jump port 22: No route to host", Cause::JumpUnreachable),
            ("channel 0: open failed: administratively prohibited: open failed", Cause::JumpForbids),
            (
                "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed",
                Cause::Refused,
            ),
            ("channel 0: open failed: connect failed: Connection timed out", Cause::Filtered),
            ("channel 0: open failed: connect failed: No route to host", Cause::NoRoute),
            ("channel 0: open failed: connect failed: Name or service not known", Cause::NotResolved),
            ("Bad configuration option: x", Cause::JumpFailed),
        ] {
            assert_eq!(cause_of_ssh(said, false), cause, "{said}");
        }
        let refused = "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n";
        assert_eq!(cause_of_ssh(refused, true), Cause::NotListening);
        let words = words_of_ssh(refused);
        assert_eq!(words.as_deref(), Some("channel 0: open failed: connect failed: Connection refused"));
    }

    #[test]
    fn a_private_address_behind_the_default_route_is_of_another_network() {
        let private = Some("10.3.0.5".parse().expect("an address"));
        let public = Some("203.0.113.5".parse().expect("an address"));
        assert_eq!(cause(Attempt::TimedOut, private, Route::Default, false), Cause::OutsideNetwork);
        assert_eq!(cause(Attempt::TimedOut, public, Route::Default, false), Cause::Filtered);
        assert_eq!(cause(Attempt::TimedOut, private, Route::Own, false), Cause::Filtered);
        assert_eq!(cause(Attempt::Unreachable, private, Route::None, false), Cause::NoRoute);
        assert_eq!(cause(Attempt::Unreachable, private, Route::Own, false), Cause::NoRoute);
        assert_eq!(cause(Attempt::Refused, private, Route::Own, true), Cause::NotListening);
        assert_eq!(cause(Attempt::Refused, private, Route::Own, false), Cause::Refused);
    }
}
