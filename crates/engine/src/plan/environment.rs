//! From the environment a user wrote to what an image is made of.

use super::image::context::BuildContext;
use super::image::logins;
use super::image::{ImagePlan, Packages};
use super::rewrite::{ImageRewrite, apply, rewrite};
use crate::failure::{Blame, Failure};
use crate::ids::ImageRef;
use crate::message;
use crate::message::Message;
use crate::spec::environment::{CondaFile, Environment};

/// Decides what the container runs from.
///
/// # Errors
/// A registered environment that no rule maps, a build context, or a conda file that needs conda.
pub fn image_plan(environment: &Environment, rewrites: &[ImageRewrite]) -> Result<ImagePlan, Failure> {
    match environment {
        Environment::Registered(name) => registered(name, rewrites),
        Environment::Inline { build: Some(build), conda, .. } => {
            let is_address = ["http://", "https://", "git://", "git@", "azureml:"];
            if is_address.iter().any(|scheme| build.path.starts_with(scheme)) {
                let what = message!("plan.remote-context", address = build.path);
                return Err(Failure::new(Blame::User, what).with_fix(message!("plan.remote-context.fix")));
            }
            let packages = conda.as_deref().map(packages).transpose()?;
            Ok(ImagePlan::Context {
                context: BuildContext {
                    folder: build.folder.clone(),
                    dockerfile: build.dockerfile.clone(),
                    text: build.text.clone(),
                },
                packages: packages.filter(|packages| packages.asks_for_something()),
                server: false,
            })
        }
        Environment::Inline { image: None, .. } => {
            Err(Failure::new(Blame::User, message!("plan.conda-empty-environment")))
        }
        Environment::Inline { image: Some(image), conda: None, .. } => {
            Ok(ImagePlan::Existing { reference: ImageRef(rewrite(image, rewrites)) })
        }
        Environment::Inline { image: Some(image), conda: Some(conda), .. } => {
            let base = ImageRef(rewrite(image, rewrites));
            let packages = packages(conda)?;
            if !packages.asks_for_something() {
                return Ok(ImagePlan::Existing { reference: base });
            }
            Ok(ImagePlan::Environment { base, packages })
        }
    }
}

/// A name that only a workspace knows may be mapped like an image: `azureml:sklearn-1.5=my-image`.
fn registered(name: &str, rewrites: &[ImageRewrite]) -> Result<ImagePlan, Failure> {
    let prefixed = format!("azureml:{name}");
    let plain = name.split(['@', ':']).next().unwrap_or(name);
    let in_registry = name.split_once("/environments/").and_then(|(_, rest)| rest.split('/').next());
    let names = [prefixed.as_str(), name, plain, in_registry.unwrap_or(name)];
    // A rule without a tag names an image; the version of the environment is none of its tags.
    let image = names.iter().find_map(|name| {
        rewrites
            .iter()
            .find(|rule| apply(name, std::slice::from_ref(*rule)).is_some())
            .map(|rule| &rule.replacement)
    });
    match image.cloned().or_else(|| curated(name).map(|image| rewrite(&image, rewrites))) {
        Some(image) => Ok(ImagePlan::Existing { reference: ImageRef(image) }),
        None => {
            let fix = message!("plan.registered-environment.fix", name = in_registry.unwrap_or(plain));
            Err(Failure::new(Blame::User, message!("plan.registered-environment", name = name)).with_fix(fix))
        }
    }
}

/// The environment's name, where it is a curated one of which the newest version is meant: which one that is only the
/// registry knows, and an engine that has an image under this name does not ask.
pub fn newest_of(environment: &Environment, image: &ImagePlan) -> Option<String> {
    let Environment::Registered(name) = environment else { return None };
    let newest = |image: &str| image.ends_with(":latest");
    let is_newest = curated(name).is_some_and(|image| newest(&image));
    (is_newest && image.named().is_some_and(|image| newest(image.as_str()))).then(|| name.clone())
}

/// What a registered environment stands for, to be told: its name does not say.
pub fn stands_for(environment: &Environment, image: &ImagePlan) -> Option<Message> {
    let (Environment::Registered(name), Some(image)) = (environment, image.named()) else { return None };
    Some(message!("plan.registered-is", name = name, image = image))
}

/// The public image of a curated environment, whose name and version are the image's too:
/// `AzureML-NAME@latest`, or the address in the registry that Azure keeps for everybody.
fn curated(name: &str) -> Option<String> {
    let (name, version) = match name.strip_prefix("azureml://registries/azureml/environments/") {
        Some(rest) => {
            let mut parts = rest.split('/');
            let name = parts.next()?;
            match (parts.next(), parts.next()) {
                (Some("versions"), Some(version)) => (name, version),
                (Some("labels"), Some("latest")) | (None, None) => (name, "latest"),
                _ => return None,
            }
        }
        None => {
            let rest = name.strip_prefix("AzureML-")?;
            let version = rest.split_once('@').or_else(|| rest.split_once(':'));
            version.unwrap_or((rest, "latest"))
        }
    };
    Some(format!("mcr.microsoft.com/azureml/curated/{}:{version}", name.to_lowercase()))
}

/// What a conda file asks for.
///
/// # Errors
/// Requirement files, which nobody has read yet.
pub fn packages(conda: &CondaFile) -> Result<Packages, Failure> {
    let mut python = None;
    let mut specs = Vec::new();
    let mut needs_conda = false;
    for dependency in &conda.conda {
        let spec = dependency.split_whitespace().collect::<Vec<_>>().join(" ");
        match conda_name(dependency).as_str() {
            "python" => python = python_version(dependency),
            "pip" | "setuptools" | "wheel" => {}
            _ => needs_conda = true,
        }
        specs.push(spec);
    }
    specs.sort();
    specs.dedup();
    let mut channels = Vec::new();
    if !needs_conda {
        specs.clear();
    } else {
        // pip's part needs a Python, and it has to be of the same solution.
        if !conda.pip.is_empty() && !conda.conda.iter().any(|spec| conda_name(spec) == "python") {
            specs.push("python".to_owned());
        }
        channels = channels_of(&conda.channels);
    }
    let mut options = Vec::new();
    let mut requirements = Vec::new();
    for line in &conda.pip {
        let line = line.split(" #").next().unwrap_or(line).split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let refers = ["-r", "--requirement", "-c", "--constraint", "-e", "--editable", "./", "../"];
        if refers.iter().any(|option| line.starts_with(option)) {
            let what = message!("plan.pip-file", line = logins::without(&line));
            return Err(Failure::new(Blame::User, what).with_fix(message!("plan.pip-file.fix")));
        }
        if line.starts_with('-') { options.push(line) } else { requirements.push(line) }
    }
    // The order of options is their priority; the order of requirements means nothing.
    requirements.sort_by_key(|line| line.to_lowercase());
    requirements.dedup();
    options.extend(requirements);
    let packages = Packages { python, conda: specs, channels, pip: options, ..Packages::default() };
    Ok(packages.without_logins(&conda.file))
}

/// Channels as every solver understands them. Where none is named, the one without terms of service that
/// would have to be accepted first.
fn channels_of(named: &[String]) -> Vec<String> {
    let mut channels = Vec::new();
    for channel in named {
        match channel.trim() {
            "defaults" => {
                channels.extend(["main", "r"].map(|name| format!("https://repo.anaconda.com/pkgs/{name}")))
            }
            "nodefaults" | "" => {}
            channel => channels.push(channel.to_owned()),
        }
    }
    if channels.is_empty() {
        channels.push("conda-forge".to_owned());
    }
    channels
}

/// `conda-forge::numpy=1.2` is `numpy`.
fn conda_name(dependency: &str) -> String {
    let dependency = dependency.rsplit("::").next().unwrap_or(dependency).trim();
    let end =
        dependency.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(dependency.len());
    dependency[..end].to_lowercase()
}

/// The version of `python=3.11`, `python==3.8.13`, `python>=3.8,<3.11`, `python 3.9.*`: two or three numbers.
fn python_version(dependency: &str) -> Option<String> {
    let start = dependency.find(|c: char| c.is_ascii_digit())?;
    let rest = &dependency[start..];
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let version = rest[..end].trim_end_matches('.');
    let is_floor = dependency[..start].contains('>');
    let is_ceiling = dependency[..start].contains('<');
    // A range leaves the choice open: the base image's Python is tried first.
    (!is_floor && !is_ceiling && !version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;
    use std::path::Path;

    fn plan_of(text: &str) -> Result<Packages, Failure> {
        let parsed = yaml::parse(text.as_bytes());
        packages(&CondaFile::from_node(&parsed.root.expect("valid YAML"), Path::new("/p/conda.yml"), None))
    }

    #[test]
    fn python_and_pip_packages_are_normalised_and_sorted_options_first() {
        let packages = plan_of(
            "dependencies:\n- python=3.11\n- pip\n- pip:\n  - pandas==2.0   # why\n  - --extra-index-url https://a/b\n  - NumPy\n",
        );
        let pip = ["--extra-index-url https://a/b", "NumPy", "pandas==2.0"].map(str::to_owned).to_vec();
        assert_eq!(packages, Ok(Packages { python: Some("3.11".to_owned()), pip, ..Packages::default() }));
    }

    #[test]
    fn a_plan_has_no_password_and_names_the_file_that_has_it() {
        let file = "channels: ['https://me:sesame@c/x']\ndependencies:\n- https://me:sesame@c/x::cmake\n- pip:\n  - --index-url https://me:sesame@h/simple\n  - x @ git+https://sesame@h/x\n";
        let packages = plan_of(file).expect("packages");
        assert!(!format!("{packages:?}").contains("sesame"), "{packages:?}");
        assert_eq!(packages.pip, ["--index-url https://h/simple", "x @ git+https://h/x"]);
        assert_eq!(packages.logins_in.as_deref(), Some(Path::new("/p/conda.yml")));
        let refused = plan_of("dependencies: [{pip: [-r https://me:sesame@h/r.txt]}]").expect_err("a file");
        assert!(!refused.what.text().contains("sesame"), "{refused}");
        let open = plan_of("dependencies: [{pip: [--index-url https://h/simple, x]}]").expect("packages");
        assert_eq!(open.logins_in, None);
    }

    #[test]
    fn a_curated_environment_is_its_public_image() {
        let image = |name: &str, rules: &[&str]| {
            let rules: Vec<_> = rules.iter().filter_map(|rule| ImageRewrite::parse(rule)).collect();
            let plan = image_plan(&Environment::Registered(name.to_owned()), &rules);
            plan.ok().and_then(|plan| plan.named().map(|image| image.0.clone()))
        };
        let curated = |rest: &str| Some(format!("mcr.microsoft.com/azureml/curated/{rest}"));
        let registry = "azureml://registries/azureml/environments/sklearn-1.5";
        assert_eq!(image(&format!("{registry}/labels/latest"), &[]), curated("sklearn-1.5:latest"));
        assert_eq!(image(&format!("{registry}/versions/25"), &[]), curated("sklearn-1.5:25"));
        assert_eq!(
            image("AzureML-ACPT-pytorch-2.8-cuda12.6@latest", &[]),
            curated("acpt-pytorch-2.8-cuda12.6:latest")
        );
        assert_eq!(image("AzureML-lightgbm-3.3:4", &[]), curated("lightgbm-3.3:4"));
        assert_eq!(
            image("AzureML-lightgbm-3.3:4", &["mcr.microsoft.com=mirror:5000"]).as_deref(),
            Some("mirror:5000/azureml/curated/lightgbm-3.3:4")
        );
        // A name that somebody has mapped, and names that only a workspace knows.
        assert_eq!(
            image(&format!("{registry}/versions/25"), &["sklearn-1.5=mine:1"]).as_deref(),
            Some("mine:1")
        );
        assert_eq!(image("my-own@latest", &[]), None);
        assert_eq!(image("azureml://registries/company/environments/x/versions/1", &[]), None);
    }

    #[test]
    fn python_versions_are_read_in_every_spelling() {
        let table = [
            ("python=3.11", Some("3.11")),
            ("python==3.8.13", Some("3.8.13")),
            ("python 3.9.*", Some("3.9")),
            ("conda-forge::python=3.10", Some("3.10")),
            ("python>=3.8,<3.11", None),
            ("python", None),
        ];
        for (text, version) in table {
            assert_eq!(python_version(text).as_deref(), version, "{text}");
            assert_eq!(conda_name(text), "python");
        }
    }

    #[test]
    fn what_needs_conda_goes_to_conda_with_its_python() {
        let packages = plan_of(
            "channels: [nodefaults, defaults, file:///c]\ndependencies: [python=3.8, conda-forge::numpy  =1.2, pip, {pip: [x]}]",
        )
        .expect("packages");
        assert_eq!(packages.conda, ["conda-forge::numpy =1.2", "pip", "python=3.8"]);
        assert_eq!(
            packages.channels,
            ["https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r", "file:///c"]
        );
        let packages = plan_of("dependencies: [cmake, {pip: [x]}]").expect("packages");
        assert_eq!(
            (packages.conda.join(" "), packages.channels.join(" ")),
            ("cmake python".into(), "conda-forge".into())
        );
    }
}
