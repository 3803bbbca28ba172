//! The name of an image, and what may and may not be found in its recipe.

use super::*;
use expect_test::expect;

fn base() -> ImageFacts {
    ImageFacts {
        reference: ImageRef::from("python:3.11"),
        id: "sha256:ba5e".to_owned(),
        architecture: "amd64".to_owned(),
        environment: Vec::new(),
        user: String::new(),
        size: 1,
    }
}

fn environment(python: &str, pip: &[&str]) -> ImagePlan {
    ImagePlan::Environment {
        base: ImageRef::from("python:3.11"),
        packages: Packages {
            python: Some(python.to_owned()),
            pip: pip.iter().map(|&line| line.to_owned()).collect(),
            ..Packages::default()
        },
    }
}

fn settings(index: &[(&str, &str)], proxy: &[(&str, &str)]) -> BuildSettings {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    BuildSettings { index: map(index), proxy: map(proxy), ..BuildSettings::default() }
}

fn made(plan: &ImagePlan, settings: &BuildSettings) -> Recipe {
    recipe(plan, &base(), settings).expect("an environment has a recipe")
}

#[test]
fn an_image_of_the_users_is_taken_as_it_is() {
    let plan = ImagePlan::Existing { reference: ImageRef::from("python:3.11") };
    assert_eq!(recipe(&plan, &base(), &BuildSettings::default()), None);
}

#[test]
fn the_same_dependencies_are_the_same_image_and_others_are_not() {
    let none = BuildSettings::default();
    let name = |plan: &ImagePlan, settings: &BuildSettings| made(plan, settings).name;
    let one = name(&environment("3.11", &["numpy", "Scikit_Learn ==1.5"]), &none);
    assert_eq!(one, name(&environment("=3.11", &["scikit-learn==1.5", "numpy", "numpy  # twice"]), &none));
    assert_eq!(one, name(&environment("3.11.*", &["numpy", "scikit-learn==1.5", "-U"]), &none));
    assert_ne!(one, name(&environment("3.10", &["numpy", "scikit-learn==1.5"]), &none));
    assert_ne!(one, name(&environment("3.11", &["numpy", "scikit-learn==1.6"]), &none));
    let other = ImageFacts { id: "sha256:07he".to_owned(), ..base() };
    let plan = environment("3.11", &["numpy", "scikit-learn==1.5"]);
    assert_ne!(Some(&one), recipe(&plan, &other, &none).map(|recipe| recipe.name).as_ref());

    // Another index may give other packages; another password, proxy or CA gives the same ones.
    let index = |url: &str| settings(&[("PIP_INDEX_URL", url)], &[]);
    let indexed = name(&plan, &index("https://me:old@h/simple"));
    assert_ne!(one, indexed);
    assert_eq!(indexed, name(&plan, &index("https://me:new@h/simple")));
    assert_eq!(indexed, name(&plan, &settings(&[("UV_DEFAULT_INDEX", "corp=https://h/simple")], &[])));
    let ca = BuildSettings { ca_bundle: b"PEM".to_vec(), ..settings(&[], &[("HTTPS_PROXY", "http://p:1")]) };
    assert_eq!(one, name(&plan, &ca));
}

#[test]
fn a_recipe_is_read_from_top_to_bottom() {
    let recipe = made(
        &environment(
            "3.11",
            &["torch", "--extra-index-url https://me:pw@h/cpu", "--pre", "--trusted-host t"],
        ),
        &settings(&[("PIP_INDEX_URL", "https://u:it's@i/simple")], &[("https_proxy", "http://p:8080")]),
    );
    let settings = String::from_utf8(recipe.context["settings.sh"].clone()).expect("text");
    let requirements = String::from_utf8(recipe.context["requirements.txt"].clone()).expect("text");
    let arguments: Vec<_> =
        recipe.arguments.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let text = format!("{}---\n{settings}---\n{requirements}---\n{}", recipe.dockerfile, arguments.concat());
    expect![[r#"
        FROM python:3.11
        USER root
        RUN --mount=type=bind,target=/run/aml-debug/build --mount=type=cache,id=aml-debug,target=/run/aml-debug/cache sh /run/aml-debug/build/environment.sh
        ENV PATH=/azureml-envs/azureml_HASH/bin:$PATH VIRTUAL_ENV=/azureml-envs/azureml_HASH AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/azureml_HASH AZUREML_ENVIRONMENT_IMAGE=True
        ---
        prefix='/azureml-envs/azureml_HASH'
        asked='3.11'
        refused=''
        conda=''
        channels=''
        kept=''
        export UV_DEFAULT_INDEX='https://u:it'\''s@i/simple'
        export PIP_INDEX_URL='https://u:it'\''s@i/simple'
        export UV_INSECURE_HOST='t'
        export PIP_TRUSTED_HOST='t'
        export UV_INDEX_STRATEGY='unsafe-best-match'
        export UV_PRERELEASE='allow'
        ---
        --extra-index-url https://me:pw@h/cpu
        torch
        ---
        HTTPS_PROXY=http://p:8080
        https_proxy=http://p:8080
    "#]].assert_eq(&text.replace(&recipe.name.as_str()[14..], "HASH"));
}

#[test]
fn nothing_secret_is_in_what_stays() {
    let recipe = made(
        &environment(
            "3.11",
            &["torch", "--extra-index-url https://me:sesame@h/cpu", "x @ https://me:sesame@h/x.whl"],
        ),
        &settings(
            &[("PIP_INDEX_URL", "https://me:sesame@i/simple")],
            &[("HTTPS_PROXY", "http://me:sesame@p:1")],
        ),
    );
    assert!(!recipe.dockerfile.contains("sesame"));
    assert!(!format!("{:?}{:?}{}", recipe.labels, recipe.parts, recipe.name).contains("sesame"));
}

#[test]
fn a_proxy_or_an_index_on_loopback_is_reached_through_the_engines_own_network() {
    let plan = environment("3.11", &["x"]);
    let host = |settings: &BuildSettings| made(&plan, settings).host_network;
    assert!(host(&settings(&[], &[("HTTPS_PROXY", "http://127.0.0.1:3128")])));
    assert!(host(&settings(&[("PIP_INDEX_URL", "http://u:p@localhost:3141/simple")], &[])));
    assert!(!host(&settings(
        &[("PIP_INDEX_URL", "https://index.example/simple")],
        &[("NO_PROXY", "localhost")]
    )));
}

#[test]
fn a_line_that_no_build_can_honour_is_told_in_the_build() {
    let recipe = made(&environment("3.11", &["-r requirements.txt", "numpy"]), &BuildSettings::default());
    let settings = String::from_utf8(recipe.context["settings.sh"].clone()).expect("text");
    assert!(settings.contains("refused='`-r requirements.txt` names a file of this machine"), "{settings}");
}

#[test]
fn condas_ways_to_ask_for_a_python_are_understood() {
    let asked = |text: &str| version_asked(Some(text));
    assert_eq!(asked("3.11"), "3.11");
    assert_eq!(asked("=3.8.13"), "3.8.13");
    assert_eq!(asked("3.11.4=h955ad1f_0"), "3.11.4");
    assert_eq!(asked(">=3.8, <3.12"), ">=3.8,<3.12");
    assert_eq!(version_asked(None), "");
}
