// Bundles the extension into one file: `node build.mjs [--watch]`.
import { cpSync, mkdirSync } from "node:fs";
import { build, context } from "esbuild";

/** Features of the language client for which the sidecar has nothing to offer: a third of its code. */
const UNUSED = [
  "notebook", "fileOperations", "semanticTokens", "formatting", "rename", "callHierarchy", "typeHierarchy", "inlayHint",
  "inlineValue", "linkedEditingRange", "colorProvider", "documentLink", "selectionRange", "foldingRange", "signatureHelp",
  "reference", "documentHighlight", "documentSymbol", "workspaceSymbol", "inlineCompletion", "textDocumentContent",
  "typeDefinition", "implementation", "declaration", "diagnostic", "executeCommand", "configuration", "fileSystemWatcher",
  "workspaceFolder",
];

/** In the place of each of its classes a feature that offers nothing. */
const NOTHING = `
class Nothing {
  fillClientCapabilities() {}
  initialize() {}
  getState() { return { kind: "static" }; }
  clear() {}
}
module.exports = new Proxy({}, { get: (_, name) => (name === "__esModule" ? true : Nothing) });
`;

/** The client asks whether this VS Code is new enough for it; VS Code has asked that itself, by `engines` of package.json. */
const NEW_ENOUGH = { parse: "module.exports = () => ({ prerelease: [] });", satisfies: "module.exports = () => true;" };

const withoutUnusedFeatures = {
  name: "without-unused-features",
  setup({ onLoad }) {
    const filter = new RegExp(`vscode-languageclient/lib/common/(${UNUSED.join("|")})\\.js$`);
    onLoad({ filter }, () => ({ contents: NOTHING, loader: "js" }));
    onLoad({ filter: /semver\/functions\/(parse|satisfies)\.js$/ }, ({ path }) => ({
      contents: NEW_ENOUGH[path.includes("parse") ? "parse" : "satisfies"],
      loader: "js",
    }));
  },
};

const options = {
  entryPoints: ["src/main.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  external: ["vscode"],
  plugins: [withoutUnusedFeatures],
  minify: !process.argv.includes("--watch"),
  sourcemap: process.argv.includes("--watch"),
  charset: "utf8",
  legalComments: "eof",
  logLevel: "warning",
};

// The sidecar's sentences in other languages than its own.
mkdirSync("dist", { recursive: true });
cpSync("../../crates/engine/messages/ja.properties", "dist/ja.properties");

if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
}
