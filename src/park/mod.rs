//! Where runs wait.

pub(crate) mod set;
pub(crate) mod slot;
