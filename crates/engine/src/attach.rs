//! stub
use crate::plan::Plan;
#[derive(Debug, Clone, PartialEq)]
pub struct AttachEntry {
    pub port: u16,
}
impl AttachEntry {
    pub fn for_run(_plan: &Plan, port: u16) -> Self {
        Self { port }
    }
}
