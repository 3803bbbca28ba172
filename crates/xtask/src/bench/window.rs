//! `editor-debug`, `editor-activation`, `editor-first-page`: the figures of a real VS Code.
//!
//! The window is driven by `editors/vscode/tests/e2e/bench.ts`, which takes the name of a turn on a line and answers
//! with its milliseconds. All ways of a case share one window.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::rc::Rc;

use anyhow::Context as _;

use super::breakpoint::Place;
use super::ground::{self, BREAK_LINE, Ground, IMAGE, SCRIPT_NAME};
use super::{Reach, Way};
use crate::editor;
use crate::setup::{self, For};

/// Name of the container of the way by hand; there is one at a time.
const CONTAINER: &str = "aml-debug-bench-by-hand";

/// From a click on *Debug* to the line in the window, against a container by hand and F5.
pub(super) fn debug(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let window = Window::open(ground)?;
    Ok(vec![
        Way {
            name: "docker run by hand, then F5 in VS Code",
            reach: None,
            turn: Window::turn(&window, "by-hand"),
            most: None,
        },
        Way {
            name: "click on Debug in VS Code",
            reach: Some(Reach::Ratio(0.8)),
            turn: Window::turn(&window, "debug"),
            most: None,
        },
    ])
}

/// What VS Code says of the extension's start.
pub(super) fn activation(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let window = Window::open(ground)?;
    let turn = Window::turn(&window, "activation");
    Ok(vec![Way {
        name: "activation, as VS Code has it",
        reach: Some(Reach::Absolute(100.0)),
        turn,
        most: None,
    }])
}

/// Ten thousand runs, of which the tree asks for the first page.
pub(super) fn first_page(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let window = Window::open(ground)?;
    let turn = Window::turn(&window, "first-page");
    Ok(vec![Way { name: "first page of 10 000 runs", reach: Some(Reach::Absolute(50.0)), turn, most: None }])
}

struct Window {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Window {
    fn open(ground: &Ground) -> anyhow::Result<Rc<RefCell<Window>>> {
        let port = ground::free_port()?;
        let folder = ground.folder.display().to_string();
        let place = Place { image: IMAGE, script: SCRIPT_NAME, line: BREAK_LINE };
        let mut by_hand = place.words_by_hand(&folder, port);
        by_hand.splice(1..1, ["--name".to_owned(), CONTAINER.to_owned()]);
        let by_hand = serde_json::to_string(&by_hand)?;
        setup::setup(&ground.repository, For::Test)?;
        editor::build(&ground.repository)?;
        let command = editor::bench(&ground.repository).env("AML_DEBUG_BIN", &ground.binary);
        let command =
            ground.variables.iter().fold(command, |command, (name, value)| command.env(name, value));
        let mut command = command
            .env("AML_DEBUG_BENCH_FOLDER", &folder)
            .env("AML_DEBUG_BENCH_PORT", port.to_string())
            .env("AML_DEBUG_BENCH_LINE", BREAK_LINE.to_string())
            .env("AML_DEBUG_BENCH_BY_HAND", by_hand)
            .env("AML_DEBUG_BENCH_CONTAINER", CONTAINER)
            .into_inner();
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("read from the window's driver")?);
        Ok(Rc::new(RefCell::new(Window { process, input, output })))
    }

    fn turn(window: &Rc<RefCell<Window>>, name: &'static str) -> Box<dyn FnMut() -> anyhow::Result<f64>> {
        let window = Rc::clone(window);
        Box::new(move || window.borrow_mut().once(name))
    }

    fn once(&mut self, name: &str) -> anyhow::Result<f64> {
        let input = self.input.as_mut().context("the driver's input is open")?;
        writeln!(input, "{name}")?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let said =
            line.trim().strip_prefix("ms ").with_context(|| format!("the window's driver said: {line}"))?;
        Ok(said.parse()?)
    }
}

impl Drop for Window {
    /// A closed input ends the driver, which takes the window and its runs along.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
