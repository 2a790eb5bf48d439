/** Child processes in groups of their own, which end with this process whatever ends it. */
import { type ChildProcess, spawn, spawnSync, type StdioOptions } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import * as Effect from "effect/Effect";
import { signalGroup, terminate } from "./processGroup.ts";

/** What to start: no shell looks at it. */
export interface Command {
  /** An absolute path. */
  readonly executable: string;
  readonly args: ReadonlyArray<string>;
  readonly cwd: string;
  /** All that the child sees. */
  readonly environment: { readonly [name: string]: string };
}

/** How a process ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A process that runs. */
export interface Child {
  readonly group: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the first process of the group has ended. */
  readonly ended: Promise<Ended>;
  /** Kills the whole group at once. */
  readonly kill: () => void;
  /** Ends the whole group; those that do not listen are killed after the grace. */
  readonly end: (graceMs: number) => Promise<void>;
  /** Stops listening, whoever may still hold the other ends of its pipes. */
  readonly close: () => void;
}

/**
 * Waits for a word before it becomes the command, so that nothing runs unwatched: if this process
 * dies first, the pipe closes and the command never starts.
 */
const gate = 'read -r _ <&3 || exit 1; exec "$@" 3<&-';

/** Kills the group when the pipe from this process closes without a word. */
const watchdog = 'read -r _ || kill -s KILL -- "-$1"';

/** Starts a command. What cannot be started is an error of Node. */
export const start = (command: Command): Effect.Effect<Child, Error> =>
  Effect.tryPromise({
    try: () => (process.platform === "win32" ? startAlone(command) : startWatched(command)),
    catch: (cause) => (cause instanceof Error ? cause : new Error(String(cause))),
  });

const startWatched = async ({ executable, args, cwd, environment }: Command): Promise<Child> => {
  const child = await spawned("/bin/sh", ["-c", gate, "sh", executable, ...args], {
    cwd,
    env: environment,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const group = child.pid;
  const watching = ["-c", watchdog, "sh", String(group)];
  const watch = await spawned("/bin/sh", watching, {
    cwd: "/",
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  }).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw cause;
  });
  say(child.stdio[3], "go\n");
  return childOf(child, {
    kill: () => void signalGroup(group, "SIGKILL"),
    end: async (graceMs) => {
      await terminate(group, graceMs);
      say(watch.stdin, "done\n");
    },
  });
};

/** Windows has no process groups: its own tool ends a process and all that it started. */
const startAlone = async ({ executable, args, cwd, environment }: Command): Promise<Child> => {
  const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
  const child = await spawned(executable, args, { cwd, env: environment, stdio });
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) {
      spawnSync("taskkill", ["/PID", String(child.pid), "/T", "/F"], { stdio: "ignore" });
    }
  };
  return childOf(child, { kill, end: async () => kill() });
};

type Spawned = ChildProcess & { readonly pid: number };

const spawned = (
  executable: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly stdio: StdioOptions },
): Promise<Spawned> =>
  new Promise((resolve, reject) => {
    const child = spawn(executable, args, { ...options, detached: true, windowsHide: true });
    child.once("error", reject);
    child.once("spawn", () => {
      child.off("error", reject);
      // A signal that cannot be sent: the process has ended.
      child.on("error", () => {});
      if (hasPid(child)) resolve(child);
    });
  });

const hasPid = (child: ChildProcess): child is Spawned => child.pid !== undefined;

/** Says a word into a pipe whose reader may be gone. */
const say = (pipe: Readable | Writable | null | undefined, word: string): void => {
  if (pipe === null || pipe === undefined || !("write" in pipe)) return;
  pipe.on("error", () => {});
  pipe.end(word);
};

const childOf = (child: Spawned, { kill, end }: Pick<Child, "kill" | "end">): Child => {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError("a child without pipes");
  const ended = new Promise<Ended>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ exitCode: child.exitCode, signal: child.signalCode });
    } else child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  const close = () => {
    stdout.destroy();
    stderr.destroy();
  };
  return { group: child.pid, stdout, stderr, ended, kill, end, close };
};
