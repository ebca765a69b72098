//! How a job names its group.

/// The name of a group, and optionally its limit.
#[derive(Debug, Clone)]
pub struct GroupName {
    pub(crate) name: String,
    pub(crate) limit: Option<usize>,
}

/// The argument of [`JobBuilder::group`](crate::JobBuilder::group): a name, or a name and a limit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no group",
    label = "neither a name nor a name and a limit",
    note = "write `\"db\"` for a group that was made with `scheduler.group(\"db\", 4)`, or `(\"db\", 4)`"
)]
pub trait IntoGroup: sealed::Sealed {
    #[doc(hidden)]
    fn into_group(self) -> GroupName;
}

impl IntoGroup for &str {
    fn into_group(self) -> GroupName {
        GroupName {
            name: self.to_owned(),
            limit: None,
        }
    }
}

impl IntoGroup for String {
    fn into_group(self) -> GroupName {
        GroupName {
            name: self,
            limit: None,
        }
    }
}

impl IntoGroup for (&str, usize) {
    fn into_group(self) -> GroupName {
        GroupName {
            name: self.0.to_owned(),
            limit: Some(self.1),
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for String {}
    impl Sealed for (&str, usize) {}
}
