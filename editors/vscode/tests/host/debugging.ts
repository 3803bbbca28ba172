// A debug session as the editor sees it, message by message.

import * as assert from "node:assert/strict";
import * as vscode from "vscode";
import { file, until } from "./ground";

/** The line of `measure.py` that multiplies, from zero. */
const PRODUCT = 7;

interface Message {
  type: string;
  event?: string;
  body?: { reason?: string };
}

interface Frames {
  stackFrames: { id: number; line: number; name: string; source: { path: string } }[];
}

suite("debugging", () => {
  const messages: Message[] = [];
  const events = (name: string) => messages.filter(({ type, event }) => type === "event" && event === name);
  let tracker: vscode.Disposable;

  suiteSetup(() => {
    tracker = vscode.debug.registerDebugAdapterTrackerFactory("aml-debug", {
      createDebugAdapterTracker: () => ({ onDidSendMessage: (message: Message) => void messages.push(message) }),
    });
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(file("src/measure.py"), new vscode.Position(PRODUCT, 0)))]);
  });

  suiteTeardown(() => {
    tracker.dispose();
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  });

  test("a configuration of our type starts a run and stops on the line", async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    const started = await vscode.debug.startDebugging(folder, { type: "aml-debug", request: "launch", name: "measure", spec: "${workspaceFolder}/job.yml" });
    assert.ok(started);
    await until("a stop", () => events("stopped").length === 1);
    const [stop] = events("stopped");
    assert.equal(stop?.body?.reason, "breakpoint");
  });

  test("the frames are of the file in the workspace, and the variables are there", async () => {
    const session = vscode.debug.activeDebugSession;
    assert.ok(session);
    assert.equal(session.type, "aml-debug");
    const { threads } = (await session.customRequest("threads")) as { threads: { id: number }[] };
    const { stackFrames } = (await session.customRequest("stackTrace", { threadId: threads[0]?.id })) as Frames;
    const [top] = stackFrames;
    assert.ok(top, "no frame");
    assert.ok(top.source.path.endsWith("/leaves/src/measure.py"), top.source.path);
    assert.equal(top.line, PRODUCT + 1);
    const { scopes } = (await session.customRequest("scopes", { frameId: top.id })) as { scopes: { variablesReference: number }[] };
    const { variables } = (await session.customRequest("variables", { variablesReference: scopes[0]?.variablesReference })) as {
      variables: { name: string; value: string }[];
    };
    assert.deepEqual(variables.filter(({ name }) => ["width", "height"].includes(name)).map(({ name, value }) => `${name}=${value}`).toSorted(), ["height=10", "width=1"]);
  });

  test("an expression is evaluated in the frame", async () => {
    const session = vscode.debug.activeDebugSession;
    const { threads } = (await session?.customRequest("threads")) as { threads: { id: number }[] };
    const { stackFrames } = (await session?.customRequest("stackTrace", { threadId: threads[0]?.id })) as Frames;
    const { result } = (await session?.customRequest("evaluate", { expression: "width * 100 + height", frameId: stackFrames[0]?.id, context: "repl" })) as { result: string };
    assert.equal(result, "110");
  });

  test("without breakpoints it goes on to its end, and the session with it", async () => {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await vscode.commands.executeCommand("workbench.action.debug.continue");
    await until("the end of the session", () => vscode.debug.activeDebugSession === undefined);
    assert.equal(events("terminated").length, 1);
  });

  test("Run Without Debugging runs it, and opens no session", async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    const before = messages.length;
    await vscode.debug.startDebugging(folder, { type: "aml-debug", request: "launch", name: "measure", spec: "${workspaceFolder}/job.yml" }, { noDebug: true });
    assert.equal(vscode.debug.activeDebugSession, undefined);
    assert.equal(messages.length, before);
  });
});
