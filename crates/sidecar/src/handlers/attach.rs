//! `aml/attach`: makes or refreshes the launch.json entry of a run.

use crate::attach;
use crate::main_loop::{Reply, give};
use crate::state::State;
use protocol::debug::{AttachAnswer, AttachParams};

pub(crate) fn attach(state: &mut State, params: &AttachParams, reply: Reply<AttachAnswer>) {
    let entry = state.store.find(&params.run).and_then(|record| {
        let (folder, entry) = state.attach_entry(&record)?;
        Ok((record.id.0, folder, entry))
    });
    match entry {
        Ok((run, folder, entry)) => {
            // Files are read and written beside the loop.
            tokio::task::spawn_blocking(move || give(reply, attach::write(&run, &folder, &entry)));
        }
        Err(failure) => give(reply, Err(failure)),
    }
}
