// Lends the DAP client of VS Code's debug adapter test support, as it is, to a test that is not JavaScript:
// one line in, `{id, call, with}`, calls a method of the client; one line out, `{id, result | error}`, is what
// came of it. Calls may overlap, as a debug adapter's answers do.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { DebugClient } = createRequire(process.argv[2])("@vscode/debugadapter-testsupport");
const client = new DebugClient("", "", "debugpy");
client.defaultTimeout = 60_000;

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, with: values } = JSON.parse(line);
  Promise.resolve()
    .then(() => client[call](...values))
    .then((result) => say({ id, result: result ?? null }))
    .catch((error) => say({ id, error: String(error?.message ?? error) }));
}
process.exit(0);
