//! Traces of the reader: what a text means and where its parts stand.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::fmt::Write;

/// The tree with places as `line:column-line:column`, and the findings.
fn show(bytes: &[u8], expected: Expect) {
    let parsed = parse(bytes);
    let mut out = String::new();
    for finding in &parsed.findings {
        let _ = writeln!(out, "{} {:?}: {}", place(finding.range), finding.severity, finding.message);
    }
    if let Some(root) = &parsed.root {
        print(&parsed.source, root, 0, &mut out);
    }
    expected.assert_eq(&out);
}

fn place(range: Range) -> String {
    let Range { start, end } = range;
    format!("{}:{}-{}:{}", start.line, start.character, end.line, end.character)
}

fn print(source: &Source, node: &Node, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let at = place(source.range(node.span));
    match &node.value {
        Value::List(items) => {
            let _ = writeln!(out, "{pad}[] {at}");
            for item in items {
                print(source, item, depth + 1, out);
            }
        }
        Value::Map(entries) => {
            let _ = writeln!(out, "{pad}{{}} {at}");
            for entry in entries {
                let _ = writeln!(out, "{pad}  {:?} {}", entry.key, place(source.range(entry.key_span)));
                print(source, &entry.value, depth + 2, out);
            }
        }
        scalar => {
            let _ = writeln!(out, "{pad}{scalar:?} {at}");
        }
    }
}

#[test]
fn places_are_lines_and_utf16_columns_with_bom_and_crlf() {
    show(
        "\u{feff}a: 'ü𝄞' # c\r\nb:\r\n  - x y  \r\n  - |\r\n    t\r\nc: \"q\"\r\n".as_bytes(),
        expect![[r#"
            {} 0:0-5:6
              "a" 0:0-0:1
                Str("ü𝄞") 0:3-0:8
              "b" 1:0-1:1
                [] 2:2-4:5
                  Str("x y") 2:4-2:7
                  Str("t\n") 4:4-4:5
              "c" 5:0-5:1
                Str("q") 5:3-5:6
        "#]],
    );
}

#[test]
fn scalars_mean_what_they_mean_to_pyyaml() {
    let table = [
        ("yes", Value::Bool(true)),
        ("Off", Value::Bool(false)),
        ("y", Value::Str("y".into())),
        ("0755", Value::Int(493)),
        ("0o7", Value::Str("0o7".into())),
        ("1_000", Value::Int(1000)),
        ("1:30", Value::Int(90)),
        ("08", Value::Str("08".into())),
        ("1e-3", Value::Str("1e-3".into())),
        ("1.0e-3", Value::Float(0.001)),
        ("1.0e3", Value::Str("1.0e3".into())),
        ("5.", Value::Float(5.0)),
        (".5", Value::Float(0.5)),
        ("-.5", Value::Str("-.5".into())),
        ("-.inf", Value::Float(f64::NEG_INFINITY)),
        ("3.10", Value::Float(3.1)),
        ("3.10.1", Value::Str("3.10.1".into())),
        ("2026-01-31", Value::Date("2026-01-31".into())),
        ("~", Value::Null),
        ("-", Value::Str("-".into())),
        ("+", Value::Str("+".into())),
        ("99999999999999999999", Value::Float(1e20)),
    ];
    for (text, value) in table {
        assert_eq!(resolve(text), value, "{text}");
    }
    let printed = [(0.1, "0.1"), (100.0, "100.0"), (1e-5, "1e-05"), (0.0001, "0.0001"), (1e16, "1e+16")];
    for (number, text) in printed {
        assert_eq!(print_float(number), text);
    }
}

#[test]
fn anchors_merge_keys_and_duplicates() {
    show(
        b"base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\ntwo: *b\nx: 1\nx: 2\n",
        expect![[r#"
            6:0-6:1 Warning: "x" stands twice in this mapping, on line 6 and on line 7. Only the last one counts.
            {} 0:0-6:4
              "base" 0:0-0:4
                {} 0:6-0:21
                  "x" 0:10-0:11
                    Int(1) 0:13-0:14
                  "y" 0:16-0:17
                    Int(2) 0:19-0:20
              "one" 1:0-1:3
                {} 2:2-3:6
                  "y" 3:2-3:3
                    Int(3) 3:5-3:6
                  "x" 0:10-0:11
                    Int(1) 0:13-0:14
              "two" 4:0-4:3
                {} 0:6-0:21
                  "x" 0:10-0:11
                    Int(1) 0:13-0:14
                  "y" 0:16-0:17
                    Int(2) 0:19-0:20
              "x" 6:0-6:1
                Int(2) 6:3-6:4
        "#]],
    );
}

#[test]
fn broken_texts_say_what_and_where() {
    let nested = "[".repeat(200);
    let bomb = (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let item = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", [item.as_str(); 9].join(", "))
    });
    let table: [(&[u8], Expect); 11] = [
        (
            b"a:\n\tb: 1\n",
            expect![[r#"
                1:0-1:1 Error: A tab stands here. YAML is laid out with spaces; a tab may stand in quotes and comments only.
            "#]],
        ),
        (
            b"a: 'x\ty' # c\tc\nb: c\td\n",
            expect![[r#"
            1:4-1:5 Error: A tab stands here. YAML is laid out with spaces; a tab may stand in quotes and comments only.
        "#]],
        ),
        (
            b"a: 1\n: 2\n",
            expect![[r#"
            1:0-1:1 Error: A key is missing before this colon.
        "#]],
        ),
        (
            b"a: 1\nb: \xff\n",
            expect![[r#"
            1:3-1:4 Error: This file is not UTF-8 text: byte 0xff cannot be read. Save it as UTF-8.
        "#]],
        ),
        (
            b"image: {{NAME}}.azurecr.io/x\nb: 1\n",
            expect![[r#"
            0:8-0:9 Error: "{{…}}" is the place of a template that nobody filled in, and not valid YAML. Put the value here (a binding of Azure ML is "${{…}}").
        "#]],
        ),
        (
            b"a: 1\n---\nb: 1\n",
            expect![[r#"
            1:0-1:3 Error: A spec is one YAML document; a second one begins here.
        "#]],
        ),
        (
            b"a: [1, 2\nb: 3\n",
            expect![[r#"
            1:1-1:4 Error: This is not YAML: illegal placement of ':' indicator.
        "#]],
        ),
        (
            b"a: &a [*a]\n",
            expect![[r#"
            0:7-0:9 Error: This alias names a value that contains the alias itself, or one that does not exist.
        "#]],
        ),
        (
            b"a: !custom 1\n",
            expect![[r#"
            0:3-0:12 Error: The YAML tag "custom" is not known; use plain values.
        "#]],
        ),
        (
            nested.as_bytes(),
            expect![[r#"
                0:100-0:101 Error: Values are nested more than 100 levels deep. That is not a spec.
            "#]],
        ),
        (
            bomb.as_bytes(),
            expect![[r#"
            4:4-4:53 Error: Aliases make this document larger than 100000 values. That is not a spec.
        "#]],
        ),
    ];
    for (text, expected) in table {
        show(text, expected);
    }
}

#[test]
fn large_texts_take_time_in_proportion() {
    let start = std::time::Instant::now();
    let anchors = (0..20_000).map(|n| format!("- &a{n} x\n- *a{n}\n")).collect::<String>();
    let merges = format!(
        "a: &a {{{}}}\nb:\n  <<: *a\n",
        (0..20_000).map(|n| format!("k{n}: 1, ")).collect::<String>()
    );
    let comment = format!("a: 1 #{}\n", "\t#".repeat(1_000_000));
    for text in [anchors, merges, comment, format!("a: {}\n", "x".repeat(10_000_000))] {
        assert!(parse(text.as_bytes()).root.is_some());
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_yaml_like_text_makes_it_panic_and_places_are_in_order(
        text in "([ \\t\\r\\n:\\-,&*a-c'\"|>{}\\[\\]#!<?%@ü𝄞0-9.]|<<: |- |a: |\n  ){0,60}"
    ) {
        let parsed = parse(text.as_bytes());
        if let Some(root) = &parsed.root {
            prop_assert!(root.span.end <= text.len());
        }
        for finding in &parsed.findings {
            prop_assert!(finding.range.start <= finding.range.end);
        }
    }
}
