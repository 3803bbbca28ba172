//! Edits of launch.json and tasks.json, as a person would look at them.

use super::*;
use crate::attach;
use expect_test::{Expect, expect};
use proptest::prelude::*;

const FILE: &str = ".vscode/launch.json";

fn entry() -> AttachEntry {
    AttachEntry {
        name: attach::run_name("job.yml"),
        host: "127.0.0.1".to_owned(),
        port: 20123,
        path_mappings: vec![PathMapping {
            local_root: "${workspaceFolder}/src".to_owned(),
            remote_root: "/mnt/azureml/code".to_owned(),
        }],
        just_my_code: true,
        start: Some(StartTask::run("job.yml")),
    }
}

fn edit(text: &str) -> Result<Edited, Failure> {
    upsert(Path::new(FILE), text, &entry())
}

/// The changed text; and a second edit finds nothing to do.
fn changed(text: &str) -> String {
    let Edited::Changed(new) = edit(text).unwrap() else { panic!("unchanged: {text}") };
    assert_eq!(edit(&new).unwrap(), Edited::Unchanged, "{new}");
    new
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&changed(text));
}

/// Line breaks and tabs shown, for the files where they matter.
fn check_layout(text: &str, expected: Expect) {
    expected.assert_eq(&changed(text).replace("\r\n", "\\r\n").replace('\t', "→").replace('\u{feff}', "BOM"));
}

#[test]
fn a_file_that_is_not_there_is_made() {
    check(
        "",
        expect![[r#"
        {
            "version": "0.2.0",
            "configurations": [
                {
                    "name": "Azure ML: debug job.yml",
                    "type": "debugpy",
                    "request": "attach",
                    "connect": {
                        "host": "127.0.0.1",
                        "port": 20123
                    },
                    "pathMappings": [
                        {
                            "localRoot": "${workspaceFolder}/src",
                            "remoteRoot": "/mnt/azureml/code"
                        }
                    ],
                    "preLaunchTask": "aml-debug: job.yml",
                    "justMyCode": true
                }
            ]
        }
    "#]],
    );
    check(
        "// Only a comment.",
        expect![[r#"
        // Only a comment.
        {
            "version": "0.2.0",
            "configurations": [
                {
                    "name": "Azure ML: debug job.yml",
                    "type": "debugpy",
                    "request": "attach",
                    "connect": {
                        "host": "127.0.0.1",
                        "port": 20123
                    },
                    "pathMappings": [
                        {
                            "localRoot": "${workspaceFolder}/src",
                            "remoteRoot": "/mnt/azureml/code"
                        }
                    ],
                    "preLaunchTask": "aml-debug: job.yml",
                    "justMyCode": true
                }
            ]
        }
    "#]],
    );
    check(
        "{}",
        expect![[r#"
        {
            "version": "0.2.0",
            "configurations": [
                {
                    "name": "Azure ML: debug job.yml",
                    "type": "debugpy",
                    "request": "attach",
                    "connect": {
                        "host": "127.0.0.1",
                        "port": 20123
                    },
                    "pathMappings": [
                        {
                            "localRoot": "${workspaceFolder}/src",
                            "remoteRoot": "/mnt/azureml/code"
                        }
                    ],
                    "preLaunchTask": "aml-debug: job.yml",
                    "justMyCode": true
                }
            ]
        }"#]],
    );
    check_layout(
        "\u{feff}{\r\n}\r\n",
        expect![[r#"
        BOM{\r
            "version": "0.2.0",\r
            "configurations": [\r
                {\r
                    "name": "Azure ML: debug job.yml",\r
                    "type": "debugpy",\r
                    "request": "attach",\r
                    "connect": {\r
                        "host": "127.0.0.1",\r
                        "port": 20123\r
                    },\r
                    "pathMappings": [\r
                        {\r
                            "localRoot": "${workspaceFolder}/src",\r
                            "remoteRoot": "/mnt/azureml/code"\r
                        }\r
                    ],\r
                    "preLaunchTask": "aml-debug: job.yml",\r
                    "justMyCode": true\r
                }\r
            ]\r
        }\r
    "#]],
    );
}

#[test]
fn an_entry_joins_the_users_own_and_keeps_their_style() {
    check(
        r#"// Use IntelliSense to learn about possible attributes.
{
  "version": "0.2.0",
  "configurations": [

    {
      "name": "mine", // the one I use
      "type": "debugpy",
      "program": "a, b] // no comment"
    } /* last one */
    // { "name": "off" }

  ],
  "compounds": [],
}
"#,
        expect![[r#"
            // Use IntelliSense to learn about possible attributes.
            {
              "version": "0.2.0",
              "configurations": [

                {
                  "name": "mine", // the one I use
                  "type": "debugpy",
                  "program": "a, b] // no comment"
                }, /* last one */
                {
                  "name": "Azure ML: debug job.yml",
                  "type": "debugpy",
                  "request": "attach",
                  "connect": {
                    "host": "127.0.0.1",
                    "port": 20123
                  },
                  "pathMappings": [
                    {
                      "localRoot": "${workspaceFolder}/src",
                      "remoteRoot": "/mnt/azureml/code"
                    }
                  ],
                  "preLaunchTask": "aml-debug: job.yml",
                  "justMyCode": true
                }
                // { "name": "off" }

              ],
              "compounds": [],
            }
        "#]],
    );
    check_layout(
        "{\r\n\t\"configurations\": [\r\n\t\t{\"name\": \"mine\"},\r\n\t],\r\n}",
        expect![[r#"
        {\r
        →"configurations": [\r
        →→{"name": "mine"},\r
        →→{\r
        →→→"name": "Azure ML: debug job.yml",\r
        →→→"type": "debugpy",\r
        →→→"request": "attach",\r
        →→→"connect": {\r
        →→→→"host": "127.0.0.1",\r
        →→→→"port": 20123\r
        →→→},\r
        →→→"pathMappings": [\r
        →→→→{\r
        →→→→→"localRoot": "${workspaceFolder}/src",\r
        →→→→→"remoteRoot": "/mnt/azureml/code"\r
        →→→→}\r
        →→→],\r
        →→→"preLaunchTask": "aml-debug: job.yml",\r
        →→→"justMyCode": true\r
        →→},\r
        →],\r
        }"#]],
    );
    check(
        r#"{"version":"0.2.0","configurations":[{"name":"mine"}]}"#,
        expect![[
            r#"{"version":"0.2.0","configurations":[{"name":"mine"}, {"name":"Azure ML: debug job.yml","type":"debugpy","request":"attach","connect":{"host":"127.0.0.1","port":20123},"pathMappings":[{"localRoot":"${workspaceFolder}/src","remoteRoot":"/mnt/azureml/code"}],"preLaunchTask":"aml-debug: job.yml","justMyCode":true}]}"#
        ]],
    );
    check(
        "{\n    \"version\": \"0.2.0\",\n    \"configurations\": []\n}\n",
        expect![[r#"
        {
            "version": "0.2.0",
            "configurations": [
                {
                    "name": "Azure ML: debug job.yml",
                    "type": "debugpy",
                    "request": "attach",
                    "connect": {
                        "host": "127.0.0.1",
                        "port": 20123
                    },
                    "pathMappings": [
                        {
                            "localRoot": "${workspaceFolder}/src",
                            "remoteRoot": "/mnt/azureml/code"
                        }
                    ],
                    "preLaunchTask": "aml-debug: job.yml",
                    "justMyCode": true
                }
            ]
        }
    "#]],
    );
    check(
        "{\n    \"configurations\": [ // none yet\n    ]\n}\n",
        expect![[r#"
        {
            "configurations": [ // none yet
                {
                    "name": "Azure ML: debug job.yml",
                    "type": "debugpy",
                    "request": "attach",
                    "connect": {
                        "host": "127.0.0.1",
                        "port": 20123
                    },
                    "pathMappings": [
                        {
                            "localRoot": "${workspaceFolder}/src",
                            "remoteRoot": "/mnt/azureml/code"
                        }
                    ],
                    "preLaunchTask": "aml-debug: job.yml",
                    "justMyCode": true
                }
            ]
        }
    "#]],
    );
    check(
        "{\n    \"version\": \"0.2.0\" // no list\n}\n",
        expect![[r#"
        {
            "version": "0.2.0", // no list
            "configurations": [
                {
                    "name": "Azure ML: debug job.yml",
                    "type": "debugpy",
                    "request": "attach",
                    "connect": {
                        "host": "127.0.0.1",
                        "port": 20123
                    },
                    "pathMappings": [
                        {
                            "localRoot": "${workspaceFolder}/src",
                            "remoteRoot": "/mnt/azureml/code"
                        }
                    ],
                    "preLaunchTask": "aml-debug: job.yml",
                    "justMyCode": true
                }
            ]
        }
    "#]],
    );
}

#[test]
fn in_our_entry_only_our_keys_change() {
    check(
        r#"{
    "configurations": [
        { "name": "Azure ML: debug job.yml", "type": "python", "request": "launch", "console": "none" },
        {
            // Which step, which port: see the wiki.
            "justMyCode": false,
            "request": "attach",
            "name": "second of this name"
        }
    ]
}
"#,
        expect![[r#"
            {
                "configurations": [
                    { "name": "Azure ML: debug job.yml", "type": "debugpy", "request": "attach", "console": "none", "connect": {"host":"127.0.0.1","port":20123}, "pathMappings": [{"localRoot":"${workspaceFolder}/src","remoteRoot":"/mnt/azureml/code"}], "preLaunchTask": "aml-debug: job.yml" },
                    {
                        // Which step, which port: see the wiki.
                        "justMyCode": false,
                        "request": "attach",
                        "name": "second of this name"
                    }
                ]
            }
        "#]],
    );
    check(
        r#"{
    "configurations": [
        {
            "name": "Azure ML: debug job.yml",
            "type": "debugpy", // must be
            "request": "attach",
            "connect": {
                "host": "127.0.0.1",
                "port": 5678, // moves sometimes
                "timeout": 3
            },
            "pathMappings": [
                { "localRoot": "/home/me/lib", "remoteRoot": "/usr/lib/mine" },
                { "localRoot": "/home/me/src", "remoteRoot": "/mnt/azureml/code" }
            ],
            "presentation": { "order": 1 },
            "preLaunchTask": "aml-debug: job.yml"
        }
    ]
}
"#,
        expect![[r#"
            {
                "configurations": [
                    {
                        "name": "Azure ML: debug job.yml",
                        "type": "debugpy", // must be
                        "request": "attach",
                        "connect": {
                            "host": "127.0.0.1",
                            "port": 20123, // moves sometimes
                            "timeout": 3
                        },
                        "pathMappings": [
                            { "localRoot": "/home/me/lib", "remoteRoot": "/usr/lib/mine" },
                            { "localRoot": "${workspaceFolder}/src", "remoteRoot": "/mnt/azureml/code" }
                        ],
                        "presentation": { "order": 1 },
                        "preLaunchTask": "aml-debug: job.yml"
                    }
                ]
            }
        "#]],
    );
}

#[test]
fn keys_that_contradict_ours_go_and_their_neighbours_comments_stay() {
    check(
        r#"{
    "configurations": [
        {
            "name": "Azure ML: debug job.yml",
            "type": "python",
            "request": "attach",
            "port": 5678, // the old port
            "host": "0.0.0.0",
            // Says where the code is.
            "pathMappings": [],
            "listen": { "host": "127.0.0.1", "port": 5678 } // not any more
        }
    ]
}
"#,
        expect![[r#"
            {
                "configurations": [
                    {
                        "name": "Azure ML: debug job.yml",
                        "type": "debugpy",
                        "request": "attach",
                        // the old port
                        // Says where the code is.
                        "pathMappings": [
                            {
                                "localRoot": "${workspaceFolder}/src",
                                "remoteRoot": "/mnt/azureml/code"
                            }
                        ],
                        "connect": {
                            "host": "127.0.0.1",
                            "port": 20123
                        },
                        "preLaunchTask": "aml-debug: job.yml"
                        // not any more
                    }
                ]
            }
        "#]],
    );
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts_and_a_comment_before_a_comma_stays() {
    check(
        r#"{
    "configurations": [],
    "configurations": [
        {
            "name": "other", "name": "Azure ML: debug job.yml",
            "type": "python", "type": "python",
            "port": 1 /* why */ , "request": "attach",
            "connect": { "port": 1, "port": 2 },
            "pathMappings": [{ "remoteRoot": "/mnt/azureml/code" }],
            "preLaunchTask": null
        }
    ]
}
"#,
        expect![[r#"
            {
                "configurations": [],
                "configurations": [
                    {
                        "name": "other", "name": "Azure ML: debug job.yml",
                        "type": "python", "type": "debugpy",
                         /* why */  "request": "attach",
                        "connect": { "port": 1, "port": 20123, "host": "127.0.0.1" },
                        "pathMappings": [{ "remoteRoot": "/mnt/azureml/code", "localRoot": "${workspaceFolder}/src" }],
                        "preLaunchTask": "aml-debug: job.yml"
                    }
                ]
            }
        "#]],
    );
}

#[test]
fn what_is_no_launch_json_is_named_with_its_place_and_left() {
    let mut said = String::new();
    for text in [
        "[]",
        "{\n  \"configurations\": {}\n}",
        "{\n  \"configurations\": null\n}",
        "{\n  \"configurations\": [\n    { \"name\": \"a\" }\n    { \"name\": \"b\" }\n  ]\n}",
        "{ 'name': 1 }",
        "{ name: 1 }",
        "<<<<<<< HEAD\n{}",
        "{ \"configurations\": [",
        "{} {}",
        "{ \"a\": \"unfinished\n}",
        "/* never closed",
    ] {
        let failure = edit(text).unwrap_err();
        assert_eq!(failure.blame.exit_code(), 2);
        said.push_str(&format!("{failure}\n"));
    }
    expect![[r#"
        .vscode/launch.json line 1, column 1: the file should hold an object in braces
        .vscode/launch.json line 2, column 21: "configurations" should be a list
        .vscode/launch.json line 2, column 21: "configurations" should be a list
        .vscode/launch.json line 3, column 20: Expected comma
        .vscode/launch.json line 1, column 3: Single-quoted strings are not allowed
        .vscode/launch.json line 1, column 3: Expected string for object property
        .vscode/launch.json line 1, column 1: Unexpected token
        .vscode/launch.json line 1, column 21: Unterminated array
        .vscode/launch.json line 1, column 4: Text cannot contain more than one JSON value
        .vscode/launch.json line 1, column 8: Unterminated string literal
        .vscode/launch.json line 1, column 1: Unterminated comment block
    "#]]
    .assert_eq(&said);
    assert!(edit(&"[".repeat(200_000)).is_err(), "an error, not an overflow");
}

#[test]
fn the_task_that_starts_the_run_is_a_background_task_with_an_end_to_wait_for() {
    let task = StartTask::run("job.yml");
    let Edited::Changed(text) = upsert_task(Path::new("tasks.json"), "", &task).unwrap() else { panic!() };
    expect![[r#"
        {
            "version": "2.0.0",
            "tasks": [
                {
                    "label": "aml-debug: job.yml",
                    "type": "process",
                    "command": "aml-debug",
                    "args": [
                        "run",
                        "job.yml",
                        "--debug"
                    ],
                    "isBackground": true,
                    "problemMatcher": {
                        "owner": "aml-debug",
                        "fileLocation": [
                            "autoDetect",
                            "${workspaceFolder}"
                        ],
                        "pattern": {
                            "regexp": "^aml-debug: (.+):(\\d+):(\\d+): (error|warning|information): (.+)$",
                            "file": 1,
                            "line": 2,
                            "column": 3,
                            "severity": 4,
                            "message": 5
                        },
                        "background": {
                            "activeOnStart": true,
                            "beginsPattern": "^aml-debug: starting ",
                            "endsPattern": "^aml-debug: debugger can attach at "
                        }
                    },
                    "presentation": {
                        "reveal": "always",
                        "panel": "dedicated"
                    }
                }
            ]
        }
    "#]]
    .assert_eq(&text);
    assert_eq!(upsert_task(Path::new("tasks.json"), &text, &task).unwrap(), Edited::Unchanged);
}

#[test]
fn a_shared_file_tells_its_port() {
    let text = changed("");
    let name = attach::run_name("job.yml");
    assert_eq!(port(Path::new(FILE), &text, &name), Some(20123));
    assert_eq!(port(Path::new(FILE), &text, "other"), None);
    assert_eq!(port(Path::new(FILE), "{", &name), None);
}

#[test]
fn a_huge_file_is_edited_in_place() {
    let one = "        { \"name\": \"x\", \"args\": [1, 2, 3], /* and so on */ \"type\": \"debugpy\" },\n";
    let text = format!("{{\n    \"configurations\": [\n{}    ]\n}}\n", one.repeat(40_000));
    let new = changed(&text);
    assert!(new.starts_with(&text[..text.len() - 8]));
    assert!(new.ends_with("\n    ]\n}\n"));
}

/// A value of a launch.json, in any style.
fn any_value(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("-1.5e3".to_owned()),
        Just("true".to_owned()),
        any_string(),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            any_list('[', inner.clone().boxed(), ']'),
            any_list('{', any_member(any_string(), inner), '}')
        ]
    })
    .boxed()
}

fn any_string() -> BoxedStrategy<String> {
    prop_oneof![
        Just(r#""a // b""#.to_owned()),
        Just(r#""],}{[/* \" \\""#.to_owned()),
        Just(r#""実験""#.to_owned()),
        "\"[a-z]{0,3}\"",
    ]
    .boxed()
}

fn any_gap() -> BoxedStrategy<String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => Just(" ".to_owned()),
        2 => Just("\n    ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just(" // \"name\": [\n".to_owned()),
        1 => Just("/* , } ] */".to_owned()),
        1 => Just("\n\n".to_owned()),
    ]
    .boxed()
}

fn any_member(
    key: impl Strategy<Value = String> + 'static,
    value: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    (key, any_gap(), any_gap(), value).prop_map(|(key, a, b, value)| format!("{key}{a}:{b}{value}")).boxed()
}

fn any_list(open: char, member: BoxedStrategy<String>, close: char) -> BoxedStrategy<String> {
    let members = proptest::collection::vec((any_gap(), member, any_gap()), 0..4);
    (members, any_gap(), any::<bool>())
        .prop_map(move |(members, gap, trailing)| {
            let comma = if trailing && !members.is_empty() { "," } else { "" };
            let members: Vec<String> = members.into_iter().map(|(a, b, c)| format!("{a}{b}{c}")).collect();
            format!("{open}{}{comma}{gap}{close}", members.join(","))
        })
        .boxed()
}

/// An entry that may be ours, wholly or in part.
fn any_entry() -> BoxedStrategy<String> {
    let key = prop_oneof![
        3 => Just("\"name\"".to_owned()),
        1 => Just("\"type\"".to_owned()),
        1 => Just("\"port\"".to_owned()),
        1 => Just("\"host\"".to_owned()),
        1 => Just("\"connect\"".to_owned()),
        1 => Just("\"pathMappings\"".to_owned()),
        1 => Just("\"env\"".to_owned()),
    ];
    let value = prop_oneof![3 => Just("\"Azure ML: debug job.yml\"".to_owned()), 2 => any_value(2)];
    any_list('{', any_member(key, value), '}')
}

fn any_file() -> BoxedStrategy<String> {
    let list = any_list('[', prop_oneof![3 => any_entry(), 1 => any_value(2)].boxed(), ']');
    let configurations = any_member(Just("\"configurations\"".to_owned()), list);
    let other = any_member("\"[u-z]\"", any_value(2));
    let root = any_list('{', prop_oneof![configurations, other].boxed(), '}');
    (prop_oneof![Just(""), Just("\u{feff}")], any_gap(), root, any_gap())
        .prop_map(|(bom, before, root, after)| format!("{bom}{before}{root}{after}"))
        .boxed()
}

/// Everything but white space and commas, which an insertion has to add around itself.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != ',').collect()
}

/// The entry's text in the file.
fn ours(text: &str) -> Option<std::ops::Range<usize>> {
    let place = launch(Path::new(FILE));
    jsonc::range_of(text, &place, &entry().name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_upsert_changes_nothing_outside_our_entry(text in any_file()) {
        let new = match edit(&text) {
            Ok(Edited::Changed(new)) => new,
            Ok(Edited::Unchanged) => return Ok(()),
            // The generator makes lists of the right type only, so no file of its may be refused.
            Err(failure) => panic!("{failure}"),
        };
        prop_assert_eq!(edit(&new).unwrap(), Edited::Unchanged, "{}", new);
        let made = ours(&new).unwrap();
        match ours(&text) {
            Some(found) => {
                prop_assert_eq!(&new[..made.start], &text[..found.start]);
                prop_assert_eq!(&new[made.end..], &text[found.end..]);
            }
            None => {
                let rest = letters(&new[..made.start]) + &letters(&new[made.end..]);
                let list_is_new = letters(&rest) != letters(&text);
                let rest = if list_is_new {
                    rest.replacen("\"configurations\":[]", "", 1).replacen("\"version\":\"0.2.0\"", "", 1)
                } else {
                    rest
                };
                prop_assert_eq!(rest, letters(&text), "{}", new);
                let mut left = new.chars();
                prop_assert!(text.chars().all(|letter| left.any(|it| it == letter)), "only insertions");
            }
        }
    }
}
