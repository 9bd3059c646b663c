//! The versions of the BCDA API.
//!
//! Every stage speaks of them, none owns them. A run converts one version: ids do not join across versions.

/// A BCDA API version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// STU3
    V1,
    /// R4
    V2,
    /// R4 from the Integrated Data Repository
    V3,
}

impl Api {
    /// All of them, oldest first.
    pub const ALL: [Api; 3] = [Api::V1, Api::V2, Api::V3];

    /// `v1`, `v2`, `v3`
    pub fn name(self) -> &'static str {
        match self {
            Api::V1 => "v1",
            Api::V2 => "v2",
            Api::V3 => "v3",
        }
    }

    /// The version of a name.
    pub fn parse(name: &str) -> Option<Api> {
        Api::ALL.into_iter().find(|api| api.name() == name)
    }
}

impl std::fmt::Display for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
