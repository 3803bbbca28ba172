//! One request, one file: what is asked of the state, and what has to be done about it. No handler waits.

pub(crate) mod adopt;
pub(crate) mod apply_mapping;
pub(crate) mod attach;
pub(crate) mod cancel_run;
pub(crate) mod check;
pub(crate) mod deployments;
pub(crate) mod doctor;
pub(crate) mod draft_spec;
pub(crate) mod files_of_run;
pub(crate) mod images;
pub(crate) mod list_runs;
pub(crate) mod release_debugger;
pub(crate) mod remote;
pub(crate) mod remove_run;
pub(crate) mod requests;
pub(crate) mod rerun;
pub(crate) mod retire;
pub(crate) mod start_run;
pub(crate) mod tick;
