//! Edits of scripts as people write them, and of some that nobody should. What the edited scripts *do* is
//! told in `tests/it/instrument.rs`.

use super::*;
use expect_test::expect;
use std::path::Path;

/// Every script of the stories, in every form in which an editor may save it.
fn scripts() -> impl Iterator<Item = (String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/instrument");
    let files = std::fs::read_dir(folder).expect("the scripts").map_while(Result::ok);
    files.flat_map(|file| {
        let name = file.file_name().display().to_string();
        let bytes = std::fs::read(file.path()).expect("a script");
        let mut forms = vec![(name.clone(), bytes.clone())];
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\r')
        {
            forms.push((format!("{name}, CRLF"), text.replace('\n', "\r\n").into_bytes()));
            forms.push((format!("{name}, BOM"), format!("\u{feff}{text}").into_bytes()));
            forms.push((format!("{name}, no last line end"), text.trim_end().as_bytes().to_vec()));
            forms.push((format!("{name}, tabs"), text.replace("    ", "\t").into_bytes()));
        }
        forms
    })
}

#[test]
fn undo_gives_the_bytes_back_and_a_second_time_changes_nothing() {
    let mut seen = 0;
    for (name, original) in scripts() {
        let once = instrument(&original).unwrap_or_else(|failure| panic!("{name}: {failure}")).bytes;
        assert_ne!(once, original, "{name}");
        let twice = instrument(&once).expect("it is Python").bytes;
        assert!(twice == once, "{name}: the second time changed something");
        assert!(undo(&once).expect("ours") == original, "{name}: not the same bytes");
        assert!(undo(&original).expect("a script") == original, "{name}: there was nothing to undo");
        seen += 1;
    }
    assert!(seen > 100, "only {seen} scripts");
}

#[test]
fn what_was_written_in_between_stays() {
    let original = "import argparse\np = argparse.ArgumentParser()\nargs = p.parse_args()\n";
    let once = String::from_utf8(instrument(original.as_bytes()).expect("a script").bytes).expect("text");
    let edited = once.replace("args =", "arguments =") + "print(arguments)\n";
    let back = String::from_utf8(undo(edited.as_bytes()).expect("ours")).expect("text");
    assert_eq!(back, original.replace("args =", "arguments =") + "print(arguments)\n");
}

fn edit(script: &str) -> String {
    let once = instrument(script.as_bytes()).expect("a script");
    let text = String::from_utf8(once.bytes).expect("text");
    // Of the block, which is a file of its own, only its place and its last line matter here.
    let (before, rest) = text.split_once(BEGIN).unwrap_or((&text, ""));
    let (block, after) = rest.split_once(END).unwrap_or(("", ""));
    let last = block.trim_end().lines().last().unwrap_or_default();
    format!("{before}[{last}]{after}{:?}\n", once.style)
}

#[test]
fn the_block_stands_behind_what_has_to_be_first_and_parsers_are_shown_the_flags() {
    let edited = [
        "#!/usr/bin/env python\n\"\"\"Doc.\"\"\"\nfrom __future__ import annotations\nimport argparse as a\nx = a.ArgumentParser().parse_args()\n",
        "from __future__ import annotations; import os\nimport sys\n",
        "from __future__ import annotations; print('once the first')\nprint(2)\n",
        "\"x\" \\\n  \"y\"\nif 1: pass\nelse: import argparse\n\\\nprint(1)\n",
        "import click, absl.logging\n@click.command()\ndef main(): pass\n",
        "import argparse\nprint(globals(), argparse.ArgumentParser().parse_args())\n",
    ];
    expect![[r##"
        #!/usr/bin/env python
        """Doc."""
        from __future__ import annotations
        [    _aml_debug()]
        import argparse as a
        x = _aml_debug(a.ArgumentParser()).parse_args()
        Argparse
        from __future__ import annotations; import os
        [del _aml_debug]
        import sys
        Flags
        from __future__ import annotations; [del _aml_debug]
        print('once the first')
        print(2)
        Flags
        "x" \
          "y"
        [del _aml_debug]
        if 1: pass
        else: import argparse
        \
        print(1)
        Argparse
        [del _aml_debug]
        import click, absl.logging
        @click.command()
        def main(): pass
        Environment("click")
        [del _aml_debug]
        import argparse
        print(globals(), argparse.ArgumentParser().parse_args())
        Argparse
    "##]]
    .assert_eq(&edited.map(edit).concat());
}

#[test]
fn a_scoring_script_listens_and_a_listener_of_its_own_only_learns_to_end_its_wait() {
    let score =
        "import json\n\n\ndef init():\n    global model\n\n\ndef run(raw_data):\n    return raw_data\n";
    let own = "import debugpy as d\nif True:\n\td.listen(('0.0.0.0', 5678)); d.wait_for_client()\ndef init(): pass\ndef run(data): pass\n";
    let done = "import debugpy, threading\ndebugpy.listen(5678)\nthreading.Timer(9, debugpy.wait_for_client.cancel)\ndebugpy.wait_for_client()\n";
    expect![[r#"
        [del _aml_debug]
        import json


        def init():
            global model


        def run(raw_data):
            return raw_data
        Score
        import debugpy as d
        if True:
        	[	_aml_debug.start()]
        	d.listen(('0.0.0.0', 5678)); d.wait_for_client()
        def init(): pass
        def run(data): pass
        OwnListener
        import debugpy, threading
        debugpy.listen(5678)
        threading.Timer(9, debugpy.wait_for_client.cancel)
        debugpy.wait_for_client()
        []AsItIs
    "#]]
    .assert_eq(&[score, own, done].map(edit).concat());
}

#[test]
fn what_cannot_be_edited_is_refused_with_a_reason() {
    let refused = [
        &b"print 'x'\n"[..],
        b"\"\"\"only a docstring\"\"\"\n",
        b"",
        b"'doc'; \\\n  print(__doc__)\n",
        b"# coding: utf-7\nprint(1)\n",
        b"x = '\xff'\n",
        b"\xff\xfep\0r\0",
        b"import os\n# >>> aml-debug: x; \"aml-debug instrument --undo\" takes it out again\nprint(1)\n",
        b"def _aml_debug(x): return x\nimport argparse\n_aml_debug(argparse.ArgumentParser()).parse_args()\n",
    ]
    .map(|bytes| {
        let failure = instrument(bytes).expect_err("not to be edited");
        let fix = failure.fix.map(|fix| fix.text()).unwrap_or_default();
        format!("{}: {}\n-> {fix}\n", failure.what, failure.detail.join("; "))
    });
    expect![[r##"
        line 1 is not Python 3: Simple statements must be separated by newlines or semicolons
        -> correct the line; a notebook or a Python 2 script has to be converted first
        there is no line of the script before which anything can stand: 
        -> put the first statement on a line of its own
        there is no line of the script before which anything can stand: 
        -> put the first statement on a line of its own
        there is no line of the script before which anything can stand: 
        -> put the first statement on a line of its own
        the script is not readable as utf-7: 
        -> save the script as UTF-8
        the script is not readable as utf-8: 
        -> save the script as UTF-8
        the script is not readable as utf-16: 
        -> save the script as UTF-8
        the block of aml-debug that begins in line 2 has no end: 
        -> put the line "# <<< aml-debug" back behind it, or take the block out by hand
        the script could not be edited without risk to the rest of it: 
        -> 
    "##]]
    .assert_eq(&refused.concat());
}

#[test]
fn the_published_code_is_told_what_is_wrong_with_it_and_the_fix_mends_it() {
    let published = include_bytes!("../../../../tests/fixtures/instrument/published.py");
    let found = findings(published);
    let said: Vec<String> =
        found.iter().map(|it| format!("{}: {}", it.range.start.line + 1, it.message)).collect();
    expect![[r#"
        26: This listens on the address of the debugger's machine, which the node does not have; "aml-debug instrument" mends it.
        27: This waits for a debugger for ever: no timeout reaches it; "aml-debug instrument" mends it."#]]
    .assert_eq(&said.join("\n"));
    let fix = found[0].fix.as_ref().expect("a fix");
    let text = String::from_utf8_lossy(published);
    let at: usize = text.split_inclusive('\n').take(fix.range.start.line as usize).map(str::len).sum();
    let mended = format!("{}{}{}", &text[..at], fix.new_text, &text[at..]);
    assert!(mended.as_bytes() == instrument(published).expect("a script").bytes);
    assert_eq!(findings(mended.as_bytes()), []);
    assert_eq!(findings(b"import argparse\nargparse.ArgumentParser().parse_args()\n"), []);
}
