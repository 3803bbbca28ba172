//! The name of an image, and what may and may not be found in its recipe.

use super::*;
use expect_test::expect;

fn base() -> ImageFacts {
    ImageFacts {
        built: String::new(),
        reference: ImageRef::from("python:3.11"),
        id: "sha256:ba5e".to_owned(),
        architecture: "amd64".to_owned(),
        environment: Vec::new(),
        user: String::new(),
        size: 1,
    }
}

pub(super) fn environment(python: &str, pip: &[&str]) -> ImagePlan {
    ImagePlan::Environment {
        base: ImageRef::from("python:3.11"),
        packages: Packages {
            python: Some(python.to_owned()),
            pip: pip.iter().map(|&line| line.to_owned()).collect(),
            ..Packages::default()
        },
    }
}

pub(super) fn settings(index: &[(&str, &str)], proxy: &[(&str, &str)]) -> BuildSettings {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    BuildSettings {
        cache: "aml-debug".to_owned(),
        index: map(index),
        proxy: map(proxy),
        ..BuildSettings::default()
    }
}

pub(super) fn made(plan: &ImagePlan, settings: &BuildSettings) -> Recipe {
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
    let hidden: Vec<_> = recipe
        .secrets
        .iter()
        .map(|(name, bytes)| format!("{name}: {}", String::from_utf8_lossy(bytes)))
        .collect();
    let arguments: Vec<_> =
        recipe.arguments.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let text = format!(
        "{}---\n{settings}---\n{requirements}---\n{}---\n{}",
        recipe.dockerfile,
        hidden.concat(),
        arguments.concat()
    );
    expect![[r#"
        FROM python:3.11
        USER root
        RUN --mount=type=bind,target=/run/aml-debug/build --mount=type=cache,id=aml-debug,target=/run/aml-debug/cache --mount=type=secret,id=requirements.txt,target=/run/aml-debug/secret/requirements.txt --mount=type=secret,id=settings.sh,target=/run/aml-debug/secret/settings.sh sh /run/aml-debug/build/environment.sh
        ENV PATH=/azureml-envs/azureml_HASH/bin:$PATH VIRTUAL_ENV=/azureml-envs/azureml_HASH AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/azureml_HASH AZUREML_ENVIRONMENT_IMAGE=True
        ---
        prefix='/azureml-envs/azureml_HASH'
        asked='3.11'
        refused=''
        own=''
        kept=''
        conda=''
        channels=''
        export UV_DEFAULT_INDEX='https://i/simple'
        export PIP_INDEX_URL='https://i/simple'
        export UV_INSECURE_HOST='t'
        export PIP_TRUSTED_HOST='t'
        export UV_INDEX_STRATEGY='unsafe-best-match'
        export UV_PRERELEASE='allow'
        ---
        --extra-index-url https://h/cpu
        torch
        ---
        requirements.txt: --extra-index-url https://me:pw@h/cpu
        torch
        settings.sh: export UV_DEFAULT_INDEX='https://u:it'\''s@i/simple'
        export PIP_INDEX_URL='https://u:it'\''s@i/simple'
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
    let sent: Vec<_> = recipe.context.values().map(|bytes| String::from_utf8_lossy(bytes)).collect();
    assert!(!sent.concat().contains("sesame"), "what is sent is part of the builder's cache");
    assert_eq!(recipe.passwords(), [b"sesame"]);
    assert!(!format!("{:?}{:?}{}", recipe.labels, recipe.parts, recipe.name).contains("sesame"));
}

#[test]
fn a_login_that_only_the_file_has_reaches_the_build_and_is_no_part_of_the_name() {
    let written = ["--index-url https://me:sesame@h/simple", "x @ git+https://sesame@g/x"];
    let file = format!("channels: [https://me:sesame@c/x]\npip:\n- {}\n- {}\n", written[0], written[1]);
    let known = BuildSettings { logins: logins::logins(file.as_bytes()), ..settings(&[], &[]) };
    let kept = environment("3.11", &["--index-url https://h/simple", "x @ git+https://g/x"]);
    let recipe = made(&kept, &known);
    assert_eq!(recipe.name, made(&kept, &settings(&[], &[])).name);
    assert_eq!(recipe.name, made(&environment("3.11", &written), &settings(&[], &[])).name);
    assert_eq!(String::from_utf8_lossy(&recipe.secrets["requirements.txt"]), written.join("\n") + "\n");
    assert_eq!(recipe.passwords(), [b"sesame"]);

    let ImagePlan::Environment { base, mut packages } = kept else { unreachable!("it was made so") };
    packages.channels = vec!["https://c/x".to_owned()];
    packages.conda = vec!["cmake".to_owned()];
    let recipe = made(&ImagePlan::Environment { base, packages }, &known);
    let said = |of: &[u8]| String::from_utf8_lossy(of).into_owned();
    assert!(said(&recipe.context["settings.sh"]).contains("channels='https://c/x'"));
    assert!(said(&recipe.secrets["settings.sh"]).contains("channels='https://me:sesame@c/x'"));
}

#[test]
fn a_package_over_ssh_needs_an_agent_and_gets_the_known_hosts() {
    let plan = environment("3.11", &["x @ git+ssh://git@127.0.0.1:22/x"]);
    let with = |agent: Option<&str>| {
        let settings = BuildSettings {
            agent: agent.map(PathBuf::from),
            known_hosts: "h ssh-ed25519 AAAA".to_owned(),
            ..settings(&[], &[])
        };
        made(&plan, &settings)
    };
    let recipe = with(Some("/agent"));
    for mount in ["target=/run/aml-debug/secret/known_hosts ", "--mount=type=ssh "] {
        assert!(recipe.dockerfile.contains(mount), "{}", recipe.dockerfile);
    }
    assert_eq!((recipe.agent.is_some(), recipe.host_network), (true, true));
    let refused = String::from_utf8_lossy(&with(None).context["settings.sh"]).into_owned();
    assert!(refused.contains("no ssh agent runs here"), "{refused}");
}

#[test]
fn a_netrc_reaches_the_build_as_far_as_its_hosts_are_asked() {
    let settings = BuildSettings {
        netrc: "machine i.example login me password sesame\nmachine other login me password never\n"
            .to_owned(),
        ..settings(&[("PIP_INDEX_URL", "https://i.example/simple")], &[])
    };
    let recipe = made(&environment("3.11", &["x"]), &settings);
    assert_eq!(recipe.secrets["netrc"], b"machine i.example\nlogin me\npassword sesame\n");
    assert!(!format!("{:?}{:?}{}", recipe.labels, recipe.parts, recipe.dockerfile).contains("sesame"));
    assert_eq!(
        recipe.name,
        made(&environment("3.11", &["x"]), &BuildSettings { netrc: String::new(), ..settings }).name
    );
}

#[test]
fn a_proxy_an_index_or_a_channel_on_loopback_is_reached_through_the_engines_own_network() {
    let plan = environment("3.11", &["x"]);
    let host = |settings: &BuildSettings| made(&plan, settings).host_network;
    assert!(host(&settings(&[], &[("HTTPS_PROXY", "http://127.0.0.1:3128")])));
    assert!(host(&settings(&[("PIP_INDEX_URL", "http://u:p@localhost:3141/simple")], &[])));
    assert!(!host(&settings(
        &[("PIP_INDEX_URL", "https://index.example/simple")],
        &[("NO_PROXY", "localhost")]
    )));
    let ImagePlan::Environment { base, mut packages } = plan else { unreachable!("it was made so") };
    packages.channels = vec!["http://localhost:8000/channel".to_owned()];
    assert!(made(&ImagePlan::Environment { base, packages }, &settings(&[], &[])).host_network);
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

#[test]
fn debugpy_is_one_more_dependency_that_fits_every_python() {
    let none = BuildSettings::default();
    let requirements = |plan: ImagePlan| {
        let recipe = made(&plan.with_debugpy(), &none);
        String::from_utf8(recipe.context["requirements.txt"].clone()).expect("text")
    };
    let both = "debugpy==1.8.21; python_version < '3.10'\ndebugpy==1.8.22; python_version >= '3.10'\n";
    assert_eq!(requirements(environment("3.11", &["numpy"])), format!("{both}numpy\n"));
    assert_eq!(requirements(environment("3.11", &["debugpy>=1.8"])), "debugpy>=1.8\n");
    assert_eq!(requirements(environment("3.11", &["debugpy-x"])), format!("debugpy-x\n{both}"));

    // An image without a conda file keeps its Python, its variables and its user.
    let existing = ImagePlan::Existing { reference: ImageRef::from("python:3.11") }.with_debugpy();
    let base = ImageFacts { user: "app".to_owned(), ..base() };
    let recipe = recipe(&existing, &base, &none).expect("a recipe");
    assert!(recipe.dockerfile.ends_with("environment.sh\nUSER app\n"), "{}", recipe.dockerfile);
    assert_ne!(recipe.name, made(&environment("", &[both]), &none).name);
}

#[test]
fn without_a_folder_the_command_names_what_its_files_are() {
    let recipe = made(&environment("3.11", &["six"]), &BuildSettings::default());
    let sent = |recipe: &Recipe, mark: &str| recipe.without_a_folder(mark).expect("small files");
    let plain = sent(&recipe, "");
    assert!(plain.context.is_empty() && !plain.dockerfile.contains("type=bind"), "{}", plain.dockerfile);
    let script = String::from_utf8_lossy(&plain.secrets["environment.sh"]).into_owned();
    for (name, bytes) in &recipe.context {
        let text = String::from_utf8_lossy(bytes);
        assert!(script.contains(&format!("cat >/run/aml-debug/build/{name} <<'")), "{name}");
        assert!(script.contains(&*text), "{name}");
    }
    assert!(script.ends_with("\nexec sh /run/aml-debug/build/environment.sh\n"));

    assert_eq!(plain.dockerfile, sent(&recipe, "").dockerfile);
    assert_ne!(plain.dockerfile, sent(&recipe, "afresh").dockerfile);
    let mut other = recipe.clone();
    other.context.insert("requirements.txt".to_owned(), b"seven\n".to_vec());
    assert_ne!(plain.dockerfile, sent(&other, "").dockerfile);
    other.context.insert("ca.pem".to_owned(), vec![b'x'; 600_000]);
    assert_eq!(other.without_a_folder(""), None);
}
