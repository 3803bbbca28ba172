//! An image on top of an earlier one of ours that lacks nothing but packages: adding one package to an environment
//! installs that package and leaves the rest of it alone.

use super::{DEPTH, PREFIX, Recipe, install, mounts};
use crate::ids::ImageRef;
use std::collections::{BTreeMap, BTreeSet};

/// Layers on layers are slower to start and keep what later ones replace; from here on an image is made anew.
const DEEPEST: usize = 4;

/// A recipe that begins with an earlier image.
#[derive(Debug, Clone, PartialEq)]
pub struct Grown {
    /// What has to be done now.
    pub recipe: Recipe,
    /// The image it begins with.
    pub on: ImageRef,
    /// The requirement lines that it lacks.
    pub added: Vec<String>,
}

impl Recipe {
    /// The same image by way of the earlier one that lacks the fewest packages. `None` where none fits: everything
    /// but the packages has to be equal, no package may be left over, and nothing may have been asked for anew.
    pub fn on_top_of<'a>(
        &self,
        earlier: impl IntoIterator<Item = (&'a ImageRef, &'a BTreeMap<String, String>)>,
    ) -> Option<Grown> {
        let own = self.labels.get(PREFIX).filter(|_| !self.afresh)?;
        let fitting = earlier.into_iter().filter_map(|(image, labels)| {
            let depth = 1 + labels.get(DEPTH).and_then(|depth| depth.parse::<usize>().ok()).unwrap_or(0);
            let added = lacks(labels, &self.labels).filter(|_| depth <= DEEPEST)?;
            Some((added, depth, image, labels.get(PREFIX)?))
        });
        let (added, depth, on, prefix) = fitting.min_by_key(|(added, depth, ..)| (added.len(), *depth))?;
        let mut recipe = self.clone();
        recipe.base = Some(on.clone());
        recipe.dockerfile = install(on, &self.cache, &mounts(&self.secrets, self.agent.is_some()));
        recipe.labels.insert(PREFIX.to_owned(), prefix.clone());
        recipe.labels.insert(DEPTH.to_owned(), depth.to_string());
        if let Some(contents) = recipe.context.get_mut("settings.sh") {
            *contents = String::from_utf8_lossy(contents).replace(own.as_str(), prefix).into_bytes();
        }
        Some(Grown { recipe, on: on.clone(), added })
    }
}

/// The packages that `ours` has and `theirs` has not, if that is all in which they differ.
fn lacks(theirs: &BTreeMap<String, String>, ours: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let parts = |labels: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let parts = labels.iter().filter(|(name, _)| name.starts_with("aml-debug.part."));
        parts.map(|(name, content)| (name.clone(), content.clone())).collect()
    };
    let (mut theirs, mut ours) = (parts(theirs), parts(ours));
    let pip = "aml-debug.part.pip";
    let (before, now) = (theirs.remove(pip)?, ours.remove(pip)?);
    // What conda has solved is one whole.
    if theirs != ours || ours.contains_key("aml-debug.part.conda") {
        return None;
    }
    let split = |text: &str| -> (Vec<String>, BTreeSet<String>) {
        let (options, packages): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('-'));
        let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
        (owned(options), owned(packages).into_iter().collect())
    };
    let ((their_options, before), (options, now)) = (split(&before), split(&now));
    let fits = their_options == options && !before.is_empty() && before.is_subset(&now);
    fits.then(|| now.difference(&before).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{environment, made, settings};
    use super::*;

    #[test]
    fn one_more_package_goes_on_top_of_what_is_there() {
        let recipe = |pip: &[&str]| made(&environment("3.11", pip), &settings(&[], &[]));
        let small = recipe(&["numpy"]);
        let middle = recipe(&["numpy", "pandas"]);
        let large = recipe(&["numpy", "pandas", "tqdm>=4"]);
        let all = [&small, &middle];
        let known = || all.iter().map(|recipe| (&recipe.name, &recipe.labels));
        let grown = large.on_top_of(known()).expect("an image to begin with");
        assert_eq!((&grown.on, grown.added.as_slice()), (&middle.name, &["tqdm>=4".to_owned()][..]));
        assert_eq!(grown.recipe.name, large.name, "what it is called depends on what is in it alone");
        assert!(grown.recipe.dockerfile.starts_with(&format!("FROM {}\nUSER root\n", middle.name)));
        let settings = String::from_utf8_lossy(&grown.recipe.context["settings.sh"]).into_owned();
        assert!(settings.contains(&format!("prefix='{}'", middle.labels[PREFIX])), "{settings}");
        assert_eq!(grown.recipe.labels[PREFIX], middle.labels[PREFIX]);
        assert_eq!(grown.recipe.labels[DEPTH], "1");

        // A package less, another version, another Python, an option more, and what is asked for anew.
        assert_eq!(small.on_top_of([(&middle.name, &middle.labels)]), None);
        assert_eq!(recipe(&["numpy==1", "pandas"]).on_top_of(known()), None);
        let other =
            made(&environment("3.10", &["numpy", "pandas"]), &super::super::tests::settings(&[], &[]));
        assert_eq!(other.on_top_of(known()), None);
        assert_eq!(recipe(&["--pre", "numpy", "pandas", "tqdm"]).on_top_of(known()), None);
        assert_eq!(Recipe { afresh: true, ..large.clone() }.on_top_of(known()), None);
        let deep = BTreeMap::from([(DEPTH.to_owned(), "4".to_owned())]);
        let deep: BTreeMap<_, _> = middle.labels.clone().into_iter().chain(deep).collect();
        assert_eq!(large.on_top_of([(&middle.name, &deep)]), None);
    }
}
