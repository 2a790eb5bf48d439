/**
 * A real process is killed without warning, again and again: before, after and during its writes,
 * renames, syncs and commits. Whatever remains is whole, what was finished is not done again, and the
 * result is, byte for byte, that of a run that nobody disturbed.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Approval, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as esbuild from "esbuild";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { root } from "../support/repository.ts";

/** Each trial kills several processes; more of them by night: `ML_PIPE_FAULT_TRIALS=1000`. */
const trials = Number(process.env["ML_PIPE_FAULT_TRIALS"] ?? 120);
const seed = Number(process.env["ML_PIPE_FAULT_SEED"] ?? 20_261_124);

let folder = "";
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-faults-"));
  await esbuild.build({
    entryPoints: ["program.ts", "killSwitch.ts"].map((name) =>
      path.join(import.meta.dirname, name),
    ),
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    conditions: ["@ml-pipe/source"],
    outdir: path.join(folder, "program"),
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly killed: boolean;
  readonly out: string;
  readonly error: string;
}

/** Starts the program in a trial's folder; `killAt` as the kill switch reads it. */
const start = (home: string, killAt: string | undefined): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const file = (name: string) => path.join(folder, "program", name);
    const child = spawn(
      process.execPath,
      [
        "--import",
        file("killSwitch.mjs"),
        file("program.mjs"),
        path.join(home, "state"),
        path.join(home, "notes"),
      ],
      {
        env: {
          PATH: process.env["PATH"],
          ...(killAt === undefined ? {} : { KILL_AT: killAt }),
        },
      },
    );
    const text = { out: "", error: "" };
    child.stdout.on("data", (data) => (text.out += data));
    child.stderr.on("data", (data) => (text.error += data));
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, killed: signal === "SIGKILL", ...text }));
  });

/** `mulberry32`: the same numbers for the same seed, everywhere. */
const randomOf = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

const approve = (home: string) =>
  Effect.runPromise(
    Approval.give({
      run: "",
      as: "ana",
      decision: "approve",
      reason: "tested",
      input: { percent: 5 },
    }).pipe(Effect.provide(Store.Store.layer(path.join(home, "state")))),
  );

const filesBelow = (home: string): ReadonlyArray<string> =>
  fs.existsSync(home)
    ? fs
        .readdirSync(home, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
    : [];

const artifactsOf = (home: string): ReadonlyArray<string> =>
  filesBelow(path.join(home, "state", "artifacts"))
    .map((file) => path.basename(file))
    .toSorted();

/** Every visible artifact is whole: its name is the digest of its bytes. */
const checkWhole = (home: string): void => {
  for (const file of filesBelow(path.join(home, "state", "artifacts"))) {
    const digest = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
    assert.strictEqual(digest, path.basename(file));
  }
};

const notesOf = (home: string): ReadonlyArray<string> => {
  const file = path.join(home, "notes");
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
};

/** What the stages note, by the stages that note it. */
const noteOf: { readonly [stage: string]: string } = {
  "a/ingest": "ingest 1",
  "b/ingest": "ingest 2",
  "c/ingest": "ingest 3",
  "a/clean": "clean 1",
  "b/clean": "clean 2",
  "c/clean": "clean 3",
};

/** Notes of the stages that are recorded as finished, read from a copy: the original stays as it is. */
const finishedIn = (home: string): ReadonlyArray<string> => {
  const copy = fs.mkdtempSync(path.join(folder, "copy-"));
  try {
    for (const name of ["ml-pipe.sqlite", "ml-pipe.sqlite-wal"]) {
      const from = path.join(home, "state", name);
      if (fs.existsSync(from)) fs.copyFileSync(from, path.join(copy, name));
    }
    if (!fs.existsSync(path.join(copy, "ml-pipe.sqlite"))) return [];
    const db = new DatabaseSync(path.join(copy, "ml-pipe.sqlite"));
    try {
      const table = db.prepare("SELECT 1 FROM sqlite_master WHERE name IN ('stage', 'item')").all();
      if (table.length < 2) return [];
      const rows = db
        .prepare("SELECT stage FROM stage WHERE json_extract(record, '$.status') = 'succeeded'")
        .all();
      const items = db.prepare("SELECT key FROM item WHERE stage = 'parts'").all();
      return [
        ...rows.map(({ stage }) => noteOf[String(stage)] ?? String(stage)),
        ...items.map(({ key }) => `part ${String(key)}`),
      ];
    } finally {
      db.close();
    }
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
};

interface Trial {
  readonly kills: number;
  readonly result: string;
  readonly artifacts: ReadonlyArray<string>;
}

/** Runs to the end in a folder of its own, killed where `next` says, if it says. */
const runTrial = async (name: string, next: () => string | undefined): Promise<Trial> => {
  const home = path.join(folder, name);
  fs.mkdirSync(home);
  let kills = 0;
  const history: Array<string> = [];
  for (let starts = 0; starts < 40; starts++) {
    const finished = finishedIn(home);
    const before = notesOf(home).length;
    const killAt = next();
    const ended = await start(home, killAt);
    history.push(`${killAt ?? "-"}: ${ended.killed ? "killed" : `exit ${ended.code}`}`);
    const about = history.join("\n");
    checkWhole(home);
    for (const stage of notesOf(home).slice(before)) {
      assert.notInclude(finished, stage, `finished, and done again:\n${about}`);
    }
    if (ended.killed) kills++;
    else if (ended.code === 4) await approve(home);
    else if (ended.code === 0) {
      const artifacts = artifactsOf(home);
      assert.deepStrictEqual(filesBelow(path.join(home, "state", "tmp")), [], about);
      fs.rmSync(home, { recursive: true });
      return { kills, result: ended.out, artifacts };
    } else assert.fail(`${ended.error}\n${about}`);
  }
  return assert.fail(`did not end:\n${history.join("\n")}`);
};

describe("a process that is killed at any instant", () => {
  it(`leaves whole artifacts, repeats nothing that is finished, and ends with the same bytes`, async () => {
    const undisturbed = await runTrial("undisturbed", () => undefined);
    assert.isAbove(undisturbed.artifacts.length, 8);

    const random = randomOf(seed);
    let kills = 0;
    const trial = async (index: number) => {
      // Of its own, so that trials side by side do not depend on which one is faster.
      const own = randomOf(random(2 ** 31));
      let left = 3;
      const ended = await runTrial(`trial-${index}`, () => {
        if (left-- === 0) return undefined;
        // A first process does about 300 operations, later ones fewer.
        const at = 1 + own(left === 2 ? 300 : 90);
        return [`${at}.before`, `${at}.after`, `${at}.during:${own(400)}`][own(3)];
      });
      kills += ended.kills;
      assert.strictEqual(ended.result, undisturbed.result);
      // A killed stage may have stored what its repetition stores again: never anything else.
      assert.deepStrictEqual(ended.artifacts, undisturbed.artifacts);
    };
    const todo = Array.from({ length: trials }, (_, index) => index);
    const work = async () => {
      for (let index = todo.shift(); index !== undefined; index = todo.shift()) await trial(index);
    };
    await Promise.all([work(), work()]);
    assert.isAtLeast(kills, trials, "most processes were killed");
    if (trials >= 120) assert.isAtLeast(kills, 200);
  }, 1_200_000);
});
