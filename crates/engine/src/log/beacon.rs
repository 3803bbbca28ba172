//! The log of a step → where its debugger is awaited, and what became of it.
//!
//! Bytes arrive in pieces of any length, from any of the ranks that write to one log. Nothing is believed
//! before its line has ended: `10.0.0.1` may be the beginning of `10.0.0.12`.

use super::lines::LineAssembler;
use std::collections::BTreeMap;

/// The port of the published page, which a beacon without one means.
pub const PORT: u16 = 5678;

/// Something that a log says about a debugger.
#[derive(Debug, Clone, PartialEq)]
pub enum Sighting {
    /// A process awaits a debugger.
    Waiting(Beacon),
    /// A debugger has come.
    Attached {
        /// To which rank, as in [`Beacon`].
        rank: Option<u32>,
    },
    /// None has come, and the process went on.
    GaveUp {
        /// Why none could come, where the process knows.
        why: Option<String>,
        /// Of which rank, as in [`Beacon`].
        rank: Option<u32>,
    },
}

impl Sighting {
    /// The rank that it is about, if the log tells.
    pub fn rank(&self) -> Option<u32> {
        match self {
            Sighting::Waiting(beacon) => beacon.rank,
            Sighting::Attached { rank } | Sighting::GaveUp { rank, .. } => *rank,
        }
    }
}

/// Where and how long a process awaits its debugger.
#[derive(Debug, Clone, PartialEq)]
pub struct Beacon {
    /// The node: an address or a name.
    pub address: String,
    /// The port on it.
    pub port: u16,
    /// Seconds of the whole wait, if the log says so.
    pub seconds: Option<f64>,
    /// The rank of the process, where the launcher writes it before each line or the process says it.
    pub rank: Option<u32>,
}

/// Reads one log from its beginning.
#[derive(Debug)]
pub struct BeaconReader {
    lines: LineAssembler,
    /// What was said before the address, by rank.
    said: BTreeMap<Option<u32>, Said>,
    port: u16,
}

#[derive(Debug, Default, Clone, Copy)]
struct Said {
    port: Option<u16>,
    seconds: Option<f64>,
    rank: Option<u32>,
}

impl BeaconReader {
    /// A reader for a process that awaits its debugger on `port` unless its log says otherwise.
    pub fn new(port: u16) -> Self {
        Self { lines: LineAssembler::default(), said: BTreeMap::new(), port }
    }

    /// What the next piece of the log says.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Sighting> {
        self.lines.feed(piece).iter().filter_map(|line| self.line(line)).collect()
    }

    fn line(&mut self, line: &str) -> Option<Sighting> {
        let rank = rank_of_line(line);
        let said = self.said.entry(rank).or_default();
        if let Some(seconds) = value(line, "Timeout for debug connection: ") {
            said.seconds = seconds.parse().ok();
        } else if let Some(port) = value(line, "remote_debug_port: ") {
            said.port = port.parse().ok();
        } else if let Some(own) = value(line, "remote_debug_rank: ") {
            said.rank = own.parse().ok();
        } else if let Some(address) = value(line, "ip_address: ").filter(|it| line.trim_end().ends_with(it)) {
            // A rank says itself who it is right before its address; another may write to the same log.
            let known = Said { rank: said.rank.take(), ..*said };
            return is_address(address).then(|| {
                Sighting::Waiting(Beacon {
                    address: address.to_owned(),
                    port: known.port.unwrap_or(self.port),
                    seconds: known.seconds,
                    rank: rank.or(known.rank),
                })
            });
        } else if let Some(attached) = value(line, "Debugger attached = ") {
            // `Debugger attached = False, rank 1 (RuntimeError: …)`
            let (word, own) = (attached.trim_end_matches(','), value(line, ", rank "));
            let rank = rank.or_else(|| own?.parse().ok());
            if word == "True" {
                return Some(Sighting::Attached { rank });
            }
            let why = line.split_once('(').and_then(|(_, why)| why.trim_end().strip_suffix(')'));
            return (word == "False").then(|| Sighting::GaveUp { why: why.map(str::to_owned), rank });
        }
        None
    }
}

/// Whether a file of a step is one that its command writes to, in the layout of today or the one before.
pub fn is_command_log(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    let (file, folder) = (parts.next().unwrap_or_default(), parts.next());
    let is = |its: &str, beginning: &str| {
        folder == Some(its) && file.starts_with(beginning) && file.ends_with(".txt")
    };
    is("user_logs", "std_log") || is("azureml-logs", "70_driver_log")
}

/// The step whose log a file is, by the folder that its logs are in: `train` of `train/user_logs/std_log.txt`
/// and of `RUN/train/artifacts/user_logs/std_log.txt`; none where nothing is above them.
pub fn step_of_log(name: &str) -> Option<String> {
    let (folder, _) = name.rsplit_once('/')?;
    let mut above = folder.rsplit('/').skip(1);
    above.find(|name| *name != "artifacts").map(str::to_owned)
}

/// The rank whose log a file is: `user_logs/std_log_process_1.txt`, `azureml-logs/70_driver_log_0.txt`.
pub fn rank_of_log(name: &str) -> Option<u32> {
    let stem = name.strip_suffix(".txt")?;
    let (before, rank) = stem.rsplit_once('_')?;
    // The number of the file itself is none.
    (!before.ends_with("azureml-logs/70")).then(|| rank.parse().ok()).flatten()
}

/// The rank in front of a line: `[1,2]<stdout>:` of `mpirun`, `[default2]:` of `torchrun`.
fn rank_of_line(line: &str) -> Option<u32> {
    let inside = line.strip_prefix('[')?.split_once(']')?.0;
    let rank = inside.strip_prefix("default").or_else(|| inside.split_once(',').map(|(_, rank)| rank))?;
    rank.parse().ok()
}

/// The word behind a label, wherever on its line the label stands: launchers and progress bars write before it.
fn value<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (_, rest) = line.rsplit_once(label)?;
    rest.split_whitespace().next()
}

/// The published code prints `None` where nobody told it an address.
fn is_address(text: &str) -> bool {
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:_".contains(&byte));
    is_name && text != "None" && text.len() <= 253
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: &str = "starting\r\n 50%|###  |\rTimeout for debug connection: 300\nremote_debug_port: 5679\n\
        ip_address: 10.3.0.12\nDebugger attached = False (RuntimeError: in (use))\nepoch 1\n";

    fn waiting(address: &str, port: u16, seconds: Option<f64>, rank: Option<u32>) -> Sighting {
        Sighting::Waiting(Beacon { address: address.to_owned(), port, seconds, rank })
    }

    proptest! {
        #[test]
        fn however_the_log_arrives_it_says_the_same(cuts in prop::collection::vec(1usize..40, 1..12)) {
            let mut reader = BeaconReader::new(PORT);
            let (mut rest, mut seen) = (LOG.as_bytes(), Vec::new());
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at((*cuts.next().expect("endless")).min(rest.len()));
                seen.extend(reader.feed(piece));
                rest = behind;
            }
            let why = Some("RuntimeError: in (use)".to_owned());
            let gave_up = Sighting::GaveUp { why, rank: None };
            prop_assert_eq!(seen, [waiting("10.3.0.12", 5679, Some(300.0), None), gave_up]);
        }
    }

    #[test]
    fn an_address_is_believed_when_its_line_has_ended() {
        let mut reader = BeaconReader::new(PORT);
        assert_eq!(reader.feed(b"ip_address: 10.0.0.1"), []);
        assert_eq!(reader.feed(b"2"), []);
        assert_eq!(reader.feed(b"\n"), [waiting("10.0.0.12", 5678, None, None)]);
        assert_eq!(
            reader.feed(b"ip_address: None\nmy ip_address: is <none>\nDebugger attached = maybe\n"),
            []
        );
    }

    #[test]
    fn ranks_that_share_a_log_are_told_apart() {
        let mut reader = BeaconReader::new(PORT);
        let log = "[1,0]<stdout>:remote_debug_port: 5678\n[1,1]<stdout>:remote_debug_port: 5679\n\
            [1,0]<stdout>:ip_address: 10.0.0.4\n[1,1]<stdout>:ip_address: 10.0.0.4\n[default3]:ip_address: node-3\n\
            Debugger attached = True\n";
        let seen = reader.feed(log.as_bytes());
        assert_eq!(
            seen,
            [
                waiting("10.0.0.4", 5678, None, Some(0)),
                waiting("10.0.0.4", 5679, None, Some(1)),
                waiting("node-3", 5678, None, Some(3)),
                Sighting::Attached { rank: None },
            ]
        );
        // Without a launcher that writes before their lines they say it themselves.
        let log = "remote_debug_rank: 1\nremote_debug_port: 5679\nip_address: 10.0.0.4\n\
            remote_debug_rank: 0\nremote_debug_port: 5678\nip_address: 10.0.0.4\n\
            Debugger attached = False, rank 1 (OSError: in use)\nDebugger attached = True, rank 0\n";
        let seen = BeaconReader::new(PORT).feed(log.as_bytes());
        assert_eq!(
            seen,
            [
                waiting("10.0.0.4", 5679, None, Some(1)),
                waiting("10.0.0.4", 5678, None, Some(0)),
                Sighting::GaveUp { why: Some("OSError: in use".to_owned()), rank: Some(1) },
                Sighting::Attached { rank: Some(0) },
            ]
        );
    }

    #[test]
    fn the_logs_of_both_layouts_are_known_by_name() {
        for (name, known, rank) in [
            ("user_logs/std_log.txt", true, None),
            ("user_logs/std_log_process_1.txt", true, Some(1)),
            ("user_logs/std_log_0.txt", true, Some(0)),
            ("azureml-logs/70_driver_log.txt", true, None),
            ("azureml-logs/70_driver_log_2.txt", true, Some(2)),
            ("azureml-logs/70_driver_log_worker_0.txt", true, Some(0)),
            ("azureml-logs/20_image_build_log.txt", false, None),
            ("system_logs/lifecycler/execution-wrapper.log", false, None),
            ("run/train/artifacts/user_logs/std_log_process_1.txt", true, Some(1)),
            ("outputs/std_log.txt", false, None),
        ] {
            assert_eq!((is_command_log(name), rank_of_log(name)), (known, rank), "{name}");
        }
        for (name, step) in [
            ("user_logs/std_log.txt", None),
            ("train/user_logs/std_log.txt", Some("train")),
            ("run/train/artifacts/azureml-logs/70_driver_log.txt", Some("train")),
        ] {
            assert_eq!(step_of_log(name).as_deref(), step, "{name}");
        }
    }
}
