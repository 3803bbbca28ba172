//! `aml/doctor`.

use crate::doctor;
use crate::main_loop::{Reply, give};
use crate::state::State;
use protocol::doctor::DoctorAnswer;

pub(crate) fn doctor(state: &mut State, reply: Reply<DoctorAnswer>) {
    let settings = state.settings.clone();
    tokio::spawn(async move {
        give(reply, Ok(DoctorAnswer { findings: doctor::examine(&settings).await }));
    });
}
