import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { assert, describe, it } from "vitest";
import { root } from "../support/repository.ts";
import { mlPipe, remove, type Started, start, workspace } from "./support.ts";

const fixture = join(root, "test/cli/fixtures/daemon/pipeline.ts");
const decodeRuns = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Run.RunSummary)));

/** A folder with the pipeline in it, and what may be done there. */
const project = async (name: string, body: (at: ReturnType<typeof doors>) => Promise<void>) => {
  const cwd = workspace(`daemon-${name}`);
  const started: Array<Started> = [];
  try {
    copyFileSync(fixture, join(cwd, "pipeline.ts"));
    mkdirSync(join(cwd, "in"));
    await body(doors(cwd, started));
  } finally {
    for (const one of started) one.kill("SIGKILL");
    remove(cwd);
  }
};

const doors = (cwd: string, started: Array<Started>) => {
  const log = join(cwd, "executed.txt");
  return {
    cwd,
    /** A file that is there as a whole, from one instant to the next. */
    drop: (name: string, text: string) => {
      writeFileSync(join(cwd, "in", `${name}.part`), text);
      renameSync(join(cwd, "in", `${name}.part`), join(cwd, "in", name));
    },
    daemon: (flags: ReadonlyArray<string> = [], slowMs = 0) => {
      const env = { DAEMON_SLOW_MS: String(slowMs), ML_PIPE_USER: "ben" };
      const one = start(["daemon", "pipeline.ts", "--no-types", ...flags], { cwd, env });
      started.push(one);
      return one;
    },
    once: () =>
      mlPipe(["daemon", "pipeline.ts", "--no-types", "--once"], {
        cwd,
        env: { ML_PIPE_USER: "ben" },
      }),
    runs: async () => decodeRuns((await mlPipe(["runs", "--json"], { cwd })).out),
    executed: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
  };
};

const events = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) =>
      Schema.decodeUnknownSync(
        Schema.fromJsonString(Schema.Struct({ _tag: Schema.String, pipeline: Schema.String })),
      )(line),
    );

describe("ml-pipe daemon", () => {
  it("runs once for a new file, also if it is killed on the way, and not for an old one", () =>
    project("killed", async ({ cwd, daemon, drop, runs, executed, once }) => {
      drop("old.txt", "1");
      assert.strictEqual((await once()).code, 0);
      assert.deepStrictEqual(await runs(), []);

      const first = daemon([], 60_000);
      await first.until("watches sums (pipeline.ts): new in/*.txt");
      drop("a.txt", "2");
      await first.until("due: in/a.txt sha256-");
      await first.until("▸ run");
      while (!executed().includes("read")) await setTimeout(20);
      const refused = await mlPipe(["run", "pipeline.ts", "--no-types"], { cwd });
      assert.strictEqual(refused.code, 1);
      assert.match(refused.err, new RegExp(`in use by process ${first.pid}`));
      first.kill("SIGKILL");
      await first.ended;
      const [killed, ...none] = await runs();
      assert.lengthOf(none, 0);
      assert.strictEqual(killed?.status, "interrupted");
      assert.match(JSON.stringify(killed?.causedBy), /"new in\/\*\.txt".*in\/a\.txt sha256-/);
      assert.strictEqual(killed?.startedBy, "ben");

      const second = daemon();
      const told = await second.until("succeeded in");
      assert.include(told, `run ${killed?.id} goes on`);
      second.kill("SIGTERM");
      const ended = await second.ended;
      assert.strictEqual(ended.code, 0, ended.err);
      const finished = await runs();
      assert.deepStrictEqual(
        finished.map(({ id, status }) => ({ id, status })),
        [{ id: killed?.id ?? "", status: "succeeded" }],
      );
      assert.deepStrictEqual(executed(), ["read", "sum"]);

      const third = await once();
      assert.strictEqual(third.code, 0, third.err);
      assert.lengthOf(await runs(), 1);
      drop("a.txt", "2");
      await once();
      assert.lengthOf(await runs(), 1);
      drop("a.txt", "3");
      await once();
      assert.lengthOf(await runs(), 2);
    }));

  it("waits for its run when it is told to stop, and interrupts it when it is told again", () =>
    project("stop", async ({ daemon, drop, runs, once }) => {
      await once();
      const patient = daemon(["--json"], 1_500);
      drop("a.txt", "2");
      await patient.until('"_tag":"RunStarted"');
      patient.kill("SIGTERM");
      const ended = await patient.ended;
      assert.strictEqual(ended.code, 0, ended.err);
      assert.include(ended.err, "stopping when the current run has ended");
      assert.deepStrictEqual(
        events(ended.out).map(({ _tag }) => _tag),
        ["Due", "RunStarted", "RunEnded"],
      );
      assert.strictEqual((await runs())[0]?.status, "succeeded");

      const hurried = daemon([], 60_000);
      await hurried.until("watches");
      drop("b.txt", "2");
      await hurried.until("▸ run");
      hurried.kill("SIGTERM");
      hurried.kill("SIGINT");
      const stopped = await hurried.ended;
      assert.strictEqual(stopped.code, 0, stopped.err);
      assert.match(stopped.out, /! run \S+ interrupted/);
      const last = await once();
      assert.match(last.out, /goes on[^]*succeeded/);
      assert.lengthOf(await runs(), 2);
    }));

  it("says that its code has changed since it read it", () =>
    project("changed", async ({ cwd, daemon, drop, once }) => {
      await once();
      const started = daemon();
      await started.until("watches");
      const file = join(cwd, "pipeline.ts");
      writeFileSync(file, readFileSync(file, "utf8").replace("(a, b) => a + b", "(a, b) => b + a"));
      drop("a.txt", "2");
      await started.until("succeeded in");
      started.kill("SIGTERM");
      const { err } = await started.ended;
      assert.match(
        err,
        /sums: \S*pipeline\.ts changed since the daemon read it.*Start the daemon again/,
      );
    }));

  it("shows when it is due, and refuses what is not valid", () =>
    project("dry", async ({ cwd, daemon }) => {
      const dry = await daemon(["--dry"]).ended;
      assert.strictEqual(dry.code, 0, dry.err);
      assert.include(dry.out, "new in/*.txt: when a file matching in/*.txt is new");
      copyFileSync(join(cwd, "pipeline.ts"), join(cwd, "again.ts"));
      const twice = await mlPipe(["daemon", "pipeline.ts", "again.ts", "--no-types"], { cwd });
      assert.strictEqual(twice.code, 2);
      assert.match(twice.err, /pipeline\.ts and again\.ts are both called "sums"/);
      const missing = await mlPipe(["daemon", "none.ts"], { cwd });
      assert.strictEqual(missing.code, 2);
    }));
});
