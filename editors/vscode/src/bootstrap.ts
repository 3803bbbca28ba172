// Finds the program that does the work and sees that it is one that this extension can speak to.

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { programSetting } from "./config";

/** The program, or why there is none; `what` is for people. */
export type Found = { program: string; version: string } | { what: string };

/** Looks in the setting, the variable, the extension's own folder; the first that says something decides. */
export async function findProgram(extension: vscode.ExtensionContext): Promise<Found> {
  const place = choose(extension);
  if (!fs.existsSync(place.program)) {
    return { what: place.missing };
  }
  const wanted = (extension.extension.packageJSON as { version: string }).version;
  let version: string;
  try {
    version = await versionOf(place.program);
  } catch (error) {
    return { what: vscode.l10n.t("{0} cannot be started: {1}", place.program, firstLine(error)) };
  }
  if (!fits(version, wanted)) {
    return {
      what: vscode.l10n.t(
        "{0} is version {1}, and this extension needs {2}. Update the older of the two.",
        place.program,
        version || "?",
        wanted,
      ),
    };
  }
  return { program: place.program, version };
}

function choose(extension: vscode.ExtensionContext): { program: string; missing: string } {
  const setting = programSetting();
  if (setting) {
    const program = setting.replace(/^~(?=\/)/, os.homedir());
    return { program, missing: vscode.l10n.t("There is no program {0}, which the setting amlDebug.path names.", program) };
  }
  const variable = process.env["AML_DEBUG_PATH"];
  if (variable) {
    return {
      program: variable,
      missing: vscode.l10n.t("There is no program {0}, which the variable AML_DEBUG_PATH names.", variable),
    };
  }
  const name = process.platform === "win32" ? "aml-debug.exe" : "aml-debug";
  return {
    program: path.join(extension.extensionPath, "server", name),
    missing: vscode.l10n.t(
      "This extension comes without the program aml-debug for {0}. Name one in the setting amlDebug.path.",
      `${process.platform} ${process.arch}`,
    ),
  };
}

function versionOf(program: string): Promise<string> {
  // A program that hangs here would hang everything behind it; a start takes a few milliseconds.
  const limit = { timeout: 10_000 };
  return new Promise((resolve, reject) => {
    execFile(program, ["--version"], limit, (error, stdout, stderr) => {
      if (error) {
        reject(new Error(stderr.trim() || error.message));
      } else {
        resolve(/(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] ?? "");
      }
    });
  });
}

/** The same major version; before 1.0 the same minor version, which is where changes go until then. */
function fits(found: string, wanted: string): boolean {
  const series = (version: string) => {
    const [major, minor] = version.split(".");
    return major === "0" ? `0.${minor}` : major;
  };
  return series(found) === series(wanted);
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
}
