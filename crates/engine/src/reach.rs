//! Why a node cannot be reached: an attempt and the machine's routes in, a named cause out.

use crate::failure::{Blame, Failure};
use crate::message;
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
        }
    }

    /// What a person reads.
    pub fn failure(self, address: &str, port: u16) -> Failure {
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
            Cause::NoRoute => (message!("reach.no-route", address = address), message!("reach.no-route.fix")),
            Cause::OutsideNetwork => {
                (message!("reach.outside-network", address = address), message!("reach.outside-network.fix"))
            }
        };
        Failure::new(Blame::Environment, what).with_fix(fix)
    }
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
