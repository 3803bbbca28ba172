//! The user's command with its bindings filled in, and the words that run it in a container.

use super::job::Values;
use crate::failure::{Blame, Failure};
use crate::message;
use crate::spec::job::bindings;

/// Fills `${{inputs.x}}`, `${{outputs.y}}` and optional groups `$[[…]]`.
///
/// # Errors
/// A binding of something that the job does not declare.
pub fn fill(command: &str, values: &Values) -> Result<String, Failure> {
    fill_bindings(&drop_absent_groups(command, values), values)
}

/// `$[[--flag ${{inputs.x}}]]` stays without its brackets where the input has a value, and goes where not.
fn drop_absent_groups(command: &str, values: &Values) -> String {
    let mut out = String::with_capacity(command.len());
    let mut rest = command;
    while let Some((before, after)) = rest.split_once("$[[") {
        let Some((group, behind)) = after.split_once("]]") else { break };
        out.push_str(before);
        let is_present =
            bindings(group).iter().all(|binding| values.get(binding.group, binding.name).is_some());
        if is_present {
            out.push_str(group);
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn fill_bindings(command: &str, values: &Values) -> Result<String, Failure> {
    let mut out = String::with_capacity(command.len());
    let mut at = 0;
    for binding in bindings(command) {
        let declared = values.get(binding.group, binding.name);
        let value = match declared {
            Some(value) => value,
            // Single braces may be anything of the shell's or of Python's.
            None if !binding.doubled => continue,
            None => {
                let whole = &command[binding.start..binding.end];
                let what = message!("plan.undeclared", binding = whole, group = binding.group);
                let fix = message!("plan.undeclared.fix", group = binding.group);
                return Err(Failure::new(Blame::User, what).with_fix(fix));
            }
        };
        out.push_str(&command[at..binding.start]);
        out.push_str(value);
        at = binding.end;
    }
    out.push_str(&command[at..]);
    Ok(out)
}

/// The command under a shell of ours, which lets every program that a stop of the container reaches end first.
pub fn outlasted(command: Vec<String>) -> Vec<String> {
    const OUTLAST: &str = include_str!("command/outlast.sh");
    ["/bin/sh", "-c", OUTLAST, "aml-debug"].map(str::to_owned).into_iter().chain(command).collect()
}

/// Program and arguments that run a command as Azure does: by bash, and by sh where there is none.
pub fn shell(command: &str) -> Vec<String> {
    const CHOOSE: &str = "[ -x /bin/bash ] && exec /bin/bash -c \"$1\"; exec /bin/sh -c \"$1\"";
    ["/bin/sh", "-c", CHOOSE, "aml-debug", command.trim_end()].map(str::to_owned).to_vec()
}
