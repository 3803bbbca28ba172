//! Image rewriting: mirrors, closed networks, and names that only a workspace knows.

/// `registry/prefix=replacement`: images that begin so are taken from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRewrite {
    /// What an image's name has to begin with, up to a `/`, `:`, `@` or the end.
    pub prefix: String,
    /// What stands there instead. A tag or a digest of its own wins over the image's.
    pub replacement: String,
}

impl ImageRewrite {
    /// Reads `prefix=replacement`; `None` if one of the two is missing.
    pub fn parse(text: &str) -> Option<ImageRewrite> {
        let (prefix, replacement) = text.split_once('=')?;
        let (prefix, replacement) = (prefix.trim(), replacement.trim());
        let whole = !prefix.is_empty() && !replacement.is_empty();
        whole.then(|| ImageRewrite { prefix: prefix.to_owned(), replacement: replacement.to_owned() })
    }
}

/// An image after rewriting: the first rule that fits is taken, once.
pub fn rewrite(image: &str, rules: &[ImageRewrite]) -> String {
    apply(image, rules).unwrap_or_else(|| image.to_owned())
}

/// The image that a rule gives for a name, if one fits. A name of Docker Hub is tried as written and in full.
pub fn apply(name: &str, rules: &[ImageRewrite]) -> Option<String> {
    let full = full_name(name);
    rules.iter().find_map(|rule| {
        [name, full.as_str()].into_iter().find_map(|name| {
            let rest = name.strip_prefix(rule.prefix.as_str())?;
            let at_boundary =
                rest.is_empty() || rest.starts_with(['/', ':', '@']) || rule.prefix.ends_with('/');
            let keeps_own_version = !rest.starts_with('/') && is_complete(&rule.replacement);
            at_boundary.then(|| match keeps_own_version {
                true => rule.replacement.clone(),
                false => rule.replacement.clone() + rest,
            })
        })
    })
}

/// Whether an image has a tag or a digest of its own.
fn is_complete(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.contains([':', '@'])
}

/// `python` is `docker.io/library/python`.
fn full_name(image: &str) -> String {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_at_a_boundary_is_taken() {
        let table = [
            (
                "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:1",
                "mcr.microsoft.com=mirror:5000",
                "mirror:5000/azureml/openmpi4.1.0-ubuntu22.04:1",
            ),
            (
                "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:1",
                "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04=base:bookworm",
                "base:bookworm",
            ),
            (
                "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
                "mcr.microsoft.com/azureml/openmpi=base",
                "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
            ),
            ("python:3.11", "docker.io/library=mirror.local/hub", "mirror.local/hub/python:3.11"),
            ("library/python:3.11", "docker.io=mirror.local", "mirror.local/library/python:3.11"),
            ("python:3.11", "python=mine", "mine:3.11"),
            ("a/b@sha256:0", "a/b=c/d", "c/d@sha256:0"),
            ("x.y/a", "z=b", "x.y/a"),
        ];
        for (image, rule, expected) in table {
            let rules: Vec<_> = ImageRewrite::parse(rule).into_iter().collect();
            assert_eq!(rewrite(image, &rules), expected, "{image} by {rule}");
        }
        assert_eq!(ImageRewrite::parse("=x"), None);
    }
}
