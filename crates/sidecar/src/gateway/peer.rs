//! Who is at the other end of a loopback connection. Linux tells in `/proc/net/tcp`; elsewhere anybody on
//! this machine who finds the port is let in, as with every debug server.

use crate::files;
use std::net::{IpAddr, SocketAddr};

/// Whether the process that connected from `address` to our `port` belongs to our user or to root.
/// `true` where the platform does not tell.
pub(crate) fn is_the_user(address: SocketAddr, port: u16) -> bool {
    let Some((own, _)) = files::own_user() else { return true };
    match files::tcp_table().and_then(|table| owner(&table, address, port)) {
        Some(uid) => uid == own || uid == 0,
        None => !cfg!(target_os = "linux"),
    }
}

/// The user of the socket whose own end is `address` and whose other end is `port`, from the text of
/// `/proc/net/tcp` (man 5 proc).
fn owner(table: &str, address: SocketAddr, port: u16) -> Option<u32> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    // The kernel prints the address as one number in its own byte order.
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port());
    let remote_port = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, from, to, .., ] = fields.as_slice() else { return None };
        (*from == local && to.ends_with(&remote_port)).then(|| fields.get(7)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:5000 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:5000 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:9C40 0100007F:5000 01 00000000:00000000 00:00000000 00000000 65534        0 3 1 0 100 0 0 10 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_of_the_other_end_is_read_from_the_kernels_table() {
        let address = SocketAddr::from(([127, 0, 0, 1], 40_000));
        assert_eq!(owner(TABLE, address, 0x5000), Some(65_534));
        assert_eq!(owner(TABLE, SocketAddr::from(([127, 0, 0, 1], 40_001)), 0x5000), None);
    }
}
