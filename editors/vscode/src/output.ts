// The logs of runs as output channels that grow with the file. The file is the truth: a notification only
// says that there is more to read, so nothing is lost or shown twice.

import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import type { RunSnapshot } from "./protocol";
import { failureLines } from "./words";

/** The two logs of a run, in the words of the wire, and the names of their files. */
export const LOGS = { control: "60_control_log.txt", driver: "70_driver_log.txt" } as const;
export type LogName = keyof typeof LOGS;

/** More channels than this crowd the list in the output panel; the oldest is closed. */
const MOST_CHANNELS = 12;

class FollowedLog {
  readonly channel: vscode.OutputChannel;
  private offset = 0;
  private reading: Promise<void> = Promise.resolve();
  private wanted = 0;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly run: string,
    private readonly log: LogName,
  ) {
    this.channel = vscode.window.createOutputChannel(`${LOGS[log]} ${run}`, "log");
  }

  /** Whether anything was written so far. */
  get hasText(): boolean {
    return this.offset > 0;
  }

  /** Reads what has been written since; calls while a reading is under way become one more reading. */
  catchUp(): Promise<void> {
    this.wanted += 1;
    const mine = this.wanted;
    this.reading = this.reading.then(() => (mine === this.wanted ? this.read() : undefined));
    return this.reading;
  }

  private async read(): Promise<void> {
    for (;;) {
      const answer = await this.sidecar
        .request("aml/readLog", { run: this.run, log: this.log, offset: this.offset })
        // A log that is not there yet has nothing in it; the next notification asks again.
        .catch(() => undefined);
      if (!answer?.text) {
        return;
      }
      this.channel.append(answer.text);
      this.offset = answer.nextOffset;
    }
  }
}

export class RunLogs implements vscode.Disposable {
  private readonly followed = new Map<string, FollowedLog>();
  private readonly subscriptions: vscode.Disposable[];
  /** Runs whose log of the build, or both of whose logs, are brought to the front as they begin. */
  private readonly leading = new Map<string, "control" | "both">();
  /** Those of them whose log of the build is in front. */
  private readonly shown = new Set<string>();

  constructor(private readonly sidecar: Sidecar) {
    this.subscriptions = [
      sidecar.on("aml/logAppended", ({ run, log }) => this.grew(run, log as LogName)),
      sidecar.on("aml/runChanged", (run) => {
        if (run.endedAt !== null) {
          void this.ended(run);
        }
      }),
    ];
  }

  /** Shows a log from its beginning and keeps up with it. */
  async show(run: string, log: LogName): Promise<void> {
    const followed = this.open(run, log);
    followed.channel.show(true);
    await followed.catchUp();
  }

  /** Shows what a run that was just started writes: first the build, if there is one, then the user's own output.
   * Under a debugger that comes to the debug console, which the editor brings to the front itself. */
  lead(run: string, debug: boolean): void {
    this.leading.set(run, debug ? "control" : "both");
    void this.lookAtControl(run);
  }

  /** An empty log is not worth a panel: an image that is reused has no build to show. */
  private async lookAtControl(run: string): Promise<void> {
    const followed = this.open(run, "control");
    await followed.catchUp();
    if (followed.hasText && this.leading.has(run) && !this.shown.has(run)) {
      this.shown.add(run);
      followed.channel.show(true);
    }
  }

  forget(run: string): void {
    for (const log of Object.keys(LOGS) as LogName[]) {
      this.followed.get(key(run, log))?.channel.dispose();
      this.followed.delete(key(run, log));
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
    for (const { channel } of this.followed.values()) {
      channel.dispose();
    }
  }

  /** The last line may have had no end, and then nobody said that it is there. */
  private async ended({ run, failure }: RunSnapshot): Promise<void> {
    this.leading.delete(run);
    this.shown.delete(run);
    const both = (Object.keys(LOGS) as LogName[]).flatMap((log) => this.followed.get(key(run, log)) ?? []);
    await Promise.all(both.map((followed) => followed.catchUp()));
    if (failure) {
      both.at(-1)?.channel.append(`\n${failureLines(failure).join("\n")}\n`);
    }
  }

  private grew(run: string, log: LogName): void {
    const leading = this.leading.get(run);
    if (log === "control" && leading !== undefined) {
      void this.lookAtControl(run);
    } else if (log === "driver" && leading === "both") {
      this.leading.delete(run);
      void this.show(run, "driver");
    } else {
      void this.followed.get(key(run, log))?.catchUp();
    }
  }

  private open(run: string, log: LogName): FollowedLog {
    const known = this.followed.get(key(run, log));
    if (known) {
      return known;
    }
    const [oldest] = this.followed;
    if (oldest && this.followed.size >= MOST_CHANNELS) {
      oldest[1].channel.dispose();
      this.followed.delete(oldest[0]);
    }
    const followed = new FollowedLog(this.sidecar, run, log);
    this.followed.set(key(run, log), followed);
    return followed;
  }
}

function key(run: string, log: LogName): string {
  return `${log} ${run}`;
}
