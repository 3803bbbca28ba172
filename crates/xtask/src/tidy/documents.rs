//! Documents: the protocol's page moves with the protocol, and no page speaks of one machine.

use sha2::{Digest as _, Sha256};

use super::{Finding, Source};

const PROTOCOL_PAGE: &str = "docs/protocol.md";
const PROTOCOL: &str = "crates/protocol/src/";

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 4] = ["/work/", "/root/", "/home/", "/Users/"];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = protocol_page(sources);
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        for (index, line) in source.text.lines().enumerate() {
            for path in MACHINE_PATHS.iter().filter(|path| line.contains(*path)) {
                findings.push(Finding::on_line(
                    &source.path,
                    index + 1,
                    format!("a path of one machine: {path}"),
                ));
            }
        }
    }
    findings
}

/// The first digits of a hash of the protocol's sources.
fn protocol_hash(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources.iter().filter(|source| source.path.starts_with(PROTOCOL)) {
        hash.update(&source.path);
        hash.update([0]);
        hash.update(&source.text);
        hash.update([0]);
    }
    crate::bundle::hex(&hash.finalize())[..16].to_owned()
}

fn protocol_page(sources: &[Source]) -> Vec<Finding> {
    let has_methods =
        sources.iter().any(|source| source.path.starts_with(PROTOCOL) && source.text.contains("\"aml/"));
    let hash = protocol_hash(sources);
    let page = sources.iter().find(|source| source.path == PROTOCOL_PAGE);
    let up_to_date = page.is_some_and(|page| page.text.contains(&hash));
    if !has_methods || up_to_date {
        return Vec::new();
    }
    let what = format!(
        "the protocol has changed; read the page, then let it say: <!-- hash of crates/protocol/src: {hash} -->"
    );
    vec![Finding::new(PROTOCOL_PAGE, what)]
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    const METHODS: (&str, &str) =
        ("crates/protocol/src/methods.rs", "//! Methods.\nconst M: &str = \"aml/startRun\";\n");

    #[test]
    fn the_protocols_page_carries_the_hash_of_its_sources() {
        assert_eq!(said(findings, &[("crates/protocol/src/lib.rs", "//! Nothing yet.\n")]), [""; 0]);
        let found = said(findings, &[METHODS]);
        assert!(found[0].starts_with("docs/protocol.md: the protocol has changed"), "{found:?}");

        let hash = protocol_hash(&[Source { path: METHODS.0.to_owned(), text: METHODS.1.to_owned() }]);
        let page = format!("# Protocol\n<!-- hash of crates/protocol/src: {hash} -->\n");
        assert_eq!(said(findings, &[METHODS, (PROTOCOL_PAGE, &page)]), [""; 0]);
        let changed = (METHODS.0, "//! Methods.\nconst M: &str = \"aml/stopRun\";\n");
        assert_eq!(said(findings, &[changed, (PROTOCOL_PAGE, &page)]).len(), 1);
    }

    #[test]
    fn a_page_that_speaks_of_one_machine_is_found() {
        let page = "Pull mcr.microsoft.com/azureml/x.\nGo to /home/ann/x.\n";
        assert_eq!(said(findings, &[("README.md", page)]), ["README.md:2: a path of one machine: /home/"]);
    }
}
