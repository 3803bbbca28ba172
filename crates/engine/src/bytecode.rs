//! Where Python's bytecode of a run stands: never in the user's source tree, and never compiled twice.
//!
//! An image that has bytecode is used as it is, and nothing is written. One that has none gets a volume of the
//! engine, one for each image and user. Never both: a cache hides the bytecode that an image has. What we build
//! ourselves has none either: compiling all of it takes longer than everything else in its build, and a run
//! imports a third of it.

use crate::debuggee;
use crate::plan::ImageFacts;
use crate::plan::container::{ContainerPlan, Mount};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Where the cache is mounted.
pub const TARGET: &str = "/aml-debug-bytecode";

/// Exit code of [`look_command`] where the image has no bytecode.
pub const NONE: i64 = 3;

const LOOK: &str = include_str!("../python/bytecode_there.py");

/// What an image of ours shares with those that have grown out of it (`plan::image::grown`): the folder of its
/// packages. Python tells by time and size of a source whether the bytecode in the cache is the source's.
pub fn family(image: &ImageFacts) -> Option<&str> {
    let ours = image.reference.as_str().starts_with("aml-debug/env:");
    let mut variables = image.environment.iter().filter(|_| ours);
    variables.find_map(|variable| variable.strip_prefix("VIRTUAL_ENV=/azureml-envs/azureml_"))
}

/// To be run as root with the cache mounted: looks whether the image has bytecode. If not, the cache becomes
/// the user's, and what other versions of ours have left in it goes.
pub fn look_command(user: Option<&str>) -> Vec<String> {
    let line = format!(
        "python=$(command -v python || command -v python3) || exit 0\n\
         \"$python\" -I -c \"$1\"\n\
         code=$?\n\
         [ \"$code\" = {NONE} ] || exit 0\n\
         find {TARGET} -mindepth 1 -maxdepth 1 ! -name {} -exec rm -rf {{}} +\n\
         chown \"$2\" {TARGET} && chmod 700 {TARGET} && exit {NONE}\n\
         exit 1",
        debuggee::volume_digest()
    );
    ["sh", "-c", &line, "aml-debug", LOOK, user.unwrap_or("0:0")].map(str::to_owned).to_vec()
}

/// Puts the cache into a container's plan, or keeps Python from writing where there is none. What the spec
/// itself says of Python's bytecode stands.
pub fn put_into(container: &mut ContainerPlan, cache: Option<String>, code: &Path) {
    const PREFIX: &str = "PYTHONPYCACHEPREFIX";
    const DO_NOT: &str = "PYTHONDONTWRITEBYTECODE";
    if container.environment.iter().any(|(name, _)| [PREFIX, DO_NOT].contains(&name.as_str())) {
        return;
    }
    let mut set = |name: &str, value: String| container.environment.push((name.to_owned(), value));
    match cache {
        // The code folder is the user's own, not a copy: what is compiled there would stay there.
        None => set(DO_NOT, "1".to_owned()),
        Some(name) => {
            set(PREFIX, folder(&container.working_dir, code));
            // Many images say that nothing should be written; they mean their own file system.
            set(DO_NOT, String::new());
            container.mounts.push(Mount::Volume { name, target: TARGET.to_owned(), read_only: false });
        }
    }
}

/// Another version of the debugger stands at the same place, and so do the projects of v1: their files must
/// not be taken for each other's.
fn folder(working_dir: &str, code: &Path) -> String {
    let ours = format!("{TARGET}/{}", debuggee::volume_digest());
    if working_dir.starts_with("/mnt/azureml/cr/j/") {
        return ours;
    }
    let digest = Sha256::digest(code.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{ours}/{name}")
}
