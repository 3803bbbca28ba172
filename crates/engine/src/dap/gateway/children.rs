//! Child sessions: Python processes that the debuggee starts, each with a port of ours that the client is told.
//!
//! A child waits until it is attended or released, so whoever tells the gateway of one gets one of both.

use super::{ClientId, DebugFact, Gateway, GatewayOutput};
use crate::message;
use crate::message::Message;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What belongs to the client's own start and not to a child of its program.
const OF_THE_PARENT: [&str; 9] =
    ["name", "host", "port", "listen", "processId", "preLaunchTask", "postDebugTask", "restart", "request"];

/// A Python process beside the debuggee, as it has reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Process id in the container.
    pub pid: u32,
    /// Its interpreter and arguments.
    pub command: String,
    /// Whether it is a debuggee of its own; it waits then.
    pub debugged: bool,
}

impl Child {
    /// Reads the relay's word on a process; `None` if it is none.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let argv = body["argv"].as_array()?.iter().filter_map(Value::as_str);
        Some(Self {
            pid: u32::try_from(body["pid"].as_u64()?).ok()?,
            command: argv.collect::<Vec<_>>().join(" "),
            debugged: !body["port"].is_null(),
        })
    }

    /// Reads the configuration with which a debug server on a node would have a client attach to a child.
    pub(super) fn of_configuration(configuration: &Value) -> Option<Self> {
        let pid = u32::try_from(configuration["subProcessId"].as_u64()?).ok()?;
        Some(Self { pid, command: "python".to_owned(), debugged: true })
    }

    /// What is said, once, of a child that runs without the debugger.
    pub(super) fn undebugged(&self) -> Message {
        message!("dap.child-undebugged", pid = self.pid, command = self.command)
    }
}

/// The children that can be debugged and have not ended.
#[derive(Debug, Default)]
pub(super) struct Children {
    known: BTreeMap<u32, Known>,
    /// Whether the user has been told of one that runs without the debugger.
    pub(super) said: bool,
}

#[derive(Debug)]
struct Known {
    command: String,
    /// Our loopback port, once somebody listens there.
    port: Option<u16>,
    /// Whether the client of the present session has been told.
    announced: bool,
}

impl Children {
    pub(super) fn started(&mut self, child: &Child) {
        let known = Known { command: child.command.clone(), port: None, announced: false };
        self.known.insert(child.pid, known);
    }

    pub(super) fn listens(&mut self, pid: u32, port: u16) {
        if let Some(known) = self.known.get_mut(&pid) {
            known.port = Some(port);
        }
    }

    pub(super) fn ended(&mut self, pid: u32) {
        self.known.remove(&pid);
    }

    /// Another client knows of none.
    pub(super) fn forget_announcements(&mut self) {
        self.known.values_mut().for_each(|known| known.announced = false);
    }

    /// Children that nobody has been told of.
    pub(super) fn waiting(&self) -> Vec<u32> {
        let waiting = self.known.iter().filter(|(_, known)| !known.announced && known.port.is_some());
        waiting.map(|(pid, _)| *pid).collect()
    }

    /// The configurations, by process, with which a client that has attached with these arguments attaches
    /// to the children it does not know yet.
    pub(super) fn announce(&mut self, attach: &Value) -> Vec<(u32, Value)> {
        let mut told = Vec::new();
        for (pid, known) in &mut self.known {
            if let (false, Some(port)) = (known.announced, known.port) {
                known.announced = true;
                told.push((*pid, configuration(attach, *pid, &known.command, port)));
            }
        }
        told
    }
}

fn configuration(attach: &Value, pid: u32, command: &str, port: u16) -> Value {
    let mut configuration: Map<String, Value> = attach.as_object().cloned().unwrap_or_default();
    OF_THE_PARENT.iter().for_each(|key| drop(configuration.remove(*key)));
    let name = message!("dap.child-name", pid = pid, program = program(command)).text();
    configuration.insert("name".to_owned(), name.into());
    configuration.insert("request".to_owned(), "attach".into());
    configuration.insert("connect".to_owned(), json!({"host": "127.0.0.1", "port": port}));
    configuration.insert("subProcessId".to_owned(), pid.into());
    if attach["type"] == super::OWN_TYPE {
        configuration.insert("port".to_owned(), port.into());
    }
    Value::Object(configuration)
}

/// A short word for what the process runs.
fn program(command: &str) -> &str {
    if command.contains("multiprocessing") {
        return "multiprocessing";
    }
    let script = command.split(' ').skip(1).find(|word| !word.starts_with('-')).unwrap_or(command);
    script.rsplit('/').next().unwrap_or(script)
}

impl Gateway {
    pub(super) fn child_started(&mut self, child: Child, out: &mut Vec<GatewayOutput>) {
        if child.debugged {
            self.children.started(&child);
            out.push(GatewayOutput::Fact(DebugFact::ChildWaits(child)));
        } else if !std::mem::replace(&mut self.children.said, true) {
            self.say(&child.undebugged(), out);
        }
    }

    /// Lets the client attach to the children that it does not know, or lets them go on where nobody does.
    pub(super) fn tell_children(&mut self, out: &mut Vec<GatewayOutput>) {
        let Some(session) = self.session.as_mut().filter(|session| session.configured) else {
            if self.started {
                out.extend(self.children.waiting().into_iter().map(GatewayOutput::ReleaseChild));
            }
            return;
        };
        for (pid, configuration) in self.children.announce(&session.attach) {
            session.sent += 1;
            let message = if session.starts_sessions {
                session.asked.insert(session.sent, pid);
                let arguments = json!({"request": "attach", "configuration": configuration});
                json!({"seq": session.sent, "type": "request", "command": "startDebugging", "arguments": arguments})
            } else {
                json!({"seq": session.sent, "type": "event", "event": "debugpyAttach", "body": configuration})
            };
            out.push(GatewayOutput::ToClient(session.client, message));
        }
    }

    pub(super) fn client_answers(&mut self, client: ClientId, message: &Value, out: &mut Vec<GatewayOutput>) {
        let Some(session) = self.session.as_mut().filter(|session| session.client == client) else { return };
        let child = message["request_seq"].as_i64().and_then(|seq| session.asked.remove(&seq));
        if let (Some(pid), false) = (child, message["success"] == true) {
            out.push(GatewayOutput::ReleaseChild(pid));
        }
    }
}
