//! Which room may depend on which. The table is complete: what is not in it fails.

use serde_json::Value;

use super::Finding;

const EDGES: [(&str, &[&str]); 7] = [
    ("protocol", &[]),
    ("engine", &[]),
    ("docker", &["engine"]),
    ("azure", &["engine"]),
    ("sidecar", &["protocol", "engine", "docker", "azure"]),
    ("xtask", &[]),
    // Tests speak the wire, never to the rooms behind it.
    ("tests", &["sidecar", "protocol"]),
];

/// Dependencies that say a word which belongs to one room; the word itself is checked in [`super::words`].
const OWNED: [(&str, &[&str]); 5] = [
    ("bollard", &["docker"]),
    ("reqwest", &["azure"]),
    ("rusqlite", &["sidecar"]),
    ("tower-lsp", &["sidecar"]),
    ("ts-rs", &["protocol"]),
];

/// Reads `cargo metadata --no-deps`.
pub(super) fn findings(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let room = text(&package["name"]);
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == room) else {
            findings.push(Finding::new(room, "a new room needs a line in the table of allowed edges"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let name = dependency["rename"].as_str().unwrap_or(text(&dependency["name"]));
            if dependency["path"].is_string() && !allowed.contains(&name) {
                findings.push(Finding::new(room, format!("must not depend on {name}")));
            }
            if OWNED.iter().any(|(owned, owners)| *owned == name && !owners.contains(&room)) {
                findings.push(Finding::new(room, format!("{name} belongs to another room")));
            }
        }
    }
    findings
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_edge_against_the_table_a_foreign_word_and_a_new_room_are_found() {
        let metadata = json!({ "packages": [
            { "name": "docker", "dependencies": [
                { "name": "engine", "path": "/x/engine" },
                { "name": "protocol", "path": "/x/protocol" },
                { "name": "bollard" },
                { "name": "tower-lsp-server", "rename": "tower-lsp" },
            ]},
            { "name": "extras", "dependencies": [] },
        ]});
        let said: Vec<String> = findings(&metadata).iter().map(Finding::to_string).collect();
        assert_eq!(
            said,
            [
                "docker: must not depend on protocol",
                "docker: tower-lsp belongs to another room",
                "extras: a new room needs a line in the table of allowed edges",
            ]
        );
    }
}
