/** Starts the built `ml-pipe` on copies of the tiny pipeline. */
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clean, root } from "../support/repository.ts";

export const binary = join(root, "packages/cli/bin/ml-pipe.mjs");

export const tiny = join(root, "test/cli/fixtures/tiny/pipeline.ts");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves with standard output once it, or standard error, contains the text. */
  readonly until: (text: string) => Promise<string>;
  readonly ended: Promise<Ended>;
}

export interface Options {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Standard input. */
  readonly input?: string;
}

/** Starts it without waiting. */
export const start = (
  args: ReadonlyArray<string>,
  { cwd, env = {}, input = "" }: Options,
): Started => {
  const inherited = { ...process.env };
  for (const name of ["NODE_ENV", "NODE_OPTIONS", "FORCE_COLOR", "VITEST", "TEST", "ML_PIPE_STATE"])
    delete inherited[name];
  const child = spawn(process.execPath, [binary, ...args], {
    cwd,
    env: { ...inherited, NO_COLOR: "1", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(input);
  let [out, err] = ["", ""];
  const waiting: Array<() => void> = [];
  const check = () => waiting.forEach((look) => look());
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    check();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
    check();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
  return {
    pid: child.pid ?? 0,
    kill: (signal) => child.kill(signal),
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = () => (out.includes(text) || err.includes(text)) && resolve(out);
        waiting.push(look);
        look();
        void ended.then(() => reject(new Error(`ended without "${text}":\n${out}${err}`)));
      }),
    ended,
  };
};

/** Runs it to its end. */
export const mlPipe = (args: ReadonlyArray<string>, options: Options): Promise<Ended> =>
  start(args, options).ended;

/** An empty folder in which `@ml-pipe/*` resolve. */
export const workspace = (name: string): string => {
  const folder = clean(`cli-${name}`);
  copyFileSync(join(root, "test/cli/fixtures/tiny/slope.ts"), join(folder, "slope.ts"));
  return folder;
};

export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

const text = readFileSync(tiny, "utf8");

/** Writes the tiny pipeline with some passages replaced; each must be there. */
export const variant = (
  folder: string,
  name: string,
  ...changes: ReadonlyArray<readonly [from: string, to: string]>
): string => {
  let changed = text;
  for (const [from, to] of changes) {
    if (!changed.includes(from)) throw new Error(`the tiny pipeline does not contain ${from}`);
    changed = changed.replace(from, to);
  }
  writeFileSync(join(folder, name), changed);
  return name;
};

/** The 1-based line of a file on which a text first occurs. */
export const lineOf = (folder: string, name: string, needle: string): number =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .findIndex((line) => line.includes(needle)) + 1;
