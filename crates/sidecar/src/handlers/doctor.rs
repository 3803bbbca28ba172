//! `aml/doctor`.

use crate::doctor;
use crate::main_loop::{Reply, give};
use crate::settings::Settings;
use protocol::doctor::DoctorAnswer;

pub(crate) fn doctor(settings: &Settings, mut reply: Reply<DoctorAnswer>) {
    let settings = settings.clone();
    tokio::spawn(async move {
        // An engine that does not answer is waited for; not any longer than whoever asked.
        let findings = tokio::select! {
            findings = doctor::examine(&settings) => findings,
            () = reply.closed() => return,
        };
        give(reply, Ok(DoctorAnswer { findings }));
    });
}
