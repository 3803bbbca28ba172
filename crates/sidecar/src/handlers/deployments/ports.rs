//! On which loopback ports a deployment answers: the same from time to time, and never another program's.

use crate::attach;
use crate::state::State;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::plan::container::ContainerPlan;
use engine::run::Run;
use protocol::deployment::{DeploymentWish, StartDeploymentParams};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

/// Ports of the published page, on which a packaged image and its listener are expected.
const PACKAGED: (u16, u16) = (5001, 5678);

pub(super) fn choose(
    state: &mut State,
    params: &StartDeploymentParams,
    spec: &Path,
) -> Result<DeploymentWish, Failure> {
    let (folder, target) = attach::place(spec, None);
    let (usual, second) = match &params.image {
        Some(_) => PACKAGED,
        None => {
            // Nobody shares this port as people share launch.json, so stores and folders need not agree on it.
            let own = PathBuf::from(format!("{}#{}", folder.display(), state.store.id()));
            (state.store.port_for(&own, &target)?, 0)
        }
    };
    let port = match params.port {
        Some(port) if !is_free(port) => return Err(port_taken(port)),
        Some(port) => port,
        None => free_port(usual)?,
    };
    let (second_port, third_port) = (free_port(second)?, free_port(0)?);
    let (image, port_is_fixed) = (params.image.clone(), params.port.is_some());
    Ok(DeploymentWish { image, port, port_is_fixed, second_port, third_port })
}

fn port_taken(port: u16) -> Failure {
    Failure::new(Blame::Environment, message!("deployment.port-taken", port = port))
        .with_fix(message!("deployment.port-taken.fix"))
}

/// The last look before the container is made: an image may have been built since the port was chosen.
pub(crate) fn last_look(
    run: &mut Run,
    container: &mut ContainerPlan,
    wish: Option<&DeploymentWish>,
) -> Result<(), Failure> {
    let Some(port) = run.service().map(|service| service.ports.scoring).filter(|port| !is_free(*port)) else {
        return Ok(());
    };
    if wish.is_some_and(|wish| wish.port_is_fixed) {
        return Err(port_taken(port));
    }
    run.answer_on(free_port(0)?);
    if let Some(plan) = &run.plan {
        container.grants.ports.clone_from(&plan.container.grants.ports);
    }
    Ok(())
}

/// This port if nobody has it, else any that is free.
pub(crate) fn free_port(usual: u16) -> Result<u16, Failure> {
    if usual != 0 && is_free(usual) {
        return Ok(usual);
    }
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    any.map(|address| address.port()).map_err(|error| {
        Failure::new(Blame::Environment, message!("deployment.no-port")).with_detail([error.to_string()])
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
