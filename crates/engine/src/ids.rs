//! Names of things, each its own type so that none can be taken for another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name_type! {
    /// One execution. `<experiment>_<milliseconds since 1970>_<4 hex digits>`, so names sort by time.
    RunId
}
name_type! {
    /// The container engine's own id of a container: 64 hex digits.
    ContainerId
}
name_type! {
    /// A reference that the container engine resolves to an image: `name:tag`, `name@sha256:…` or an id.
    ImageRef
}
name_type! {
    /// Identity of one workspace store; every container carries it, so two stores on one engine never
    /// touch each other's containers.
    StoreId
}
