import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Plan, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { assert, describe, it } from "vitest";
import { ShownRun } from "../../packages/cli/src/view/json.ts";
import { root } from "../support/repository.ts";
import { mlPipe, type Options, remove, start, variant, workspace } from "./support.ts";

const text = readFileSync(join(root, "test/cli/fixtures/control/pipeline.ts"), "utf8");
const decodeRun = Schema.decodeUnknownSync(Schema.fromJsonString(ShownRun));
const decodeRuns = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Run.RunSummary)));

/** A folder with the pipeline in it, and what may be done there. */
const project = async (name: string, body: (at: ReturnType<typeof doors>) => Promise<void>) => {
  const cwd = workspace(`control-${name}`);
  try {
    const at = doors(cwd);
    at.write();
    await body(at);
  } finally {
    remove(cwd);
  }
};

const doors = (cwd: string) => {
  const file = "pipeline.ts";
  const call = (args: ReadonlyArray<string>, env: Options["env"] = {}) =>
    mlPipe(args, { cwd, env: { ML_PIPE_USER: "ben", ...env } });
  const untyped =
    (verb: string) =>
    (args: ReadonlyArray<string>, env: Options["env"] = {}) =>
      call([verb, ...args, "--no-types"], env);
  /** The stages that were executed, in order. */
  const executed = () => {
    const log = join(cwd, "executed.txt");
    return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  };
  return {
    cwd,
    call,
    /** Writes the pipeline, with some passages replaced. */
    write: (...changes: ReadonlyArray<readonly [from: string, to: string]>) => {
      let changed = text;
      for (const [from, to] of changes) {
        assert.include(changed, from);
        changed = changed.replace(from, to);
      }
      writeFileSync(join(cwd, file), changed);
    },
    run: (args: ReadonlyArray<string> = [], env: Options["env"] = {}) =>
      untyped("run")([file, ...args], env),
    resume: untyped("resume"),
    approve: untyped("approve"),
    reject: untyped("reject"),
    /** A run in which training takes a minute; returns when it is at it. */
    slow: async (args: ReadonlyArray<string> = []) => {
      const env = { CONTROL_SLOW_MS: "60000", ML_PIPE_USER: "ben" };
      const started = start(["run", file, "--no-types", ...args], { cwd, env });
      while (!executed().includes("train")) await setTimeout(20);
      return started;
    },
    executed,
    status: async () => decodeRun((await call(["status", "--json"])).out),
    runs: async () => decodeRuns((await call(["runs", "--json"])).out),
  };
};

const yes = ["--as", "ana", "--reason", "worth it", "--set", "percent=5"];
const throughEvaluate = ["draw", "train", "evaluate"];

describe("a run that waits for a person", () => {
  it("exits with 4, says whom to ask and how, and goes on when they have said yes", () =>
    project("yes", async ({ call, run, approve, executed, status, runs }) => {
      // With types, as a person would.
      const first = await call(["run", "pipeline.ts"]);
      assert.strictEqual(first.code, 4, first.err);
      const { id } = await status();
      assert.match(first.out, /^\S+ sign-off {2}(suspended|waits)/m);
      assert.include(first.out, '"sign-off" waits for ana or ben');
      assert.include(first.out, `ml-pipe approve ${id} sign-off --as NAME --reason "…"`);
      assert.deepStrictEqual(executed(), throughEvaluate);

      assert.match((await call(["status"])).out, /^ {2}\S+ +sign-off +(suspended|waits)/m);
      const [summary] = await runs();
      assert.deepInclude(summary, { id, status: "suspended", startedBy: "ben" });
      assert.match(summary?.file ?? "", /control-yes\/pipeline\.ts$/);

      // Still nobody has said anything: the same run, which still waits.
      const again = await run();
      assert.strictEqual(again.code, 4);
      assert.include(again.out, `continues run ${id}, which waits (--new begins another)`);
      assert.deepStrictEqual(executed(), throughEvaluate);

      const approved = await approve([id.slice(0, 20), "sign-off", ...yes]);
      assert.strictEqual(approved.code, 0, approved.err);
      assert.match(approved.out, /^✓ recorded: ana approves "sign-off" of run \S+, until \d{4}-/m);
      assert.match(approved.out, /^✓ roll-out {2}succeeded/m);
      const ended = await status();
      assert.deepInclude(ended, { id, status: "succeeded", startedBy: "ben" });
      assert.deepStrictEqual(Run.outputsOf(ended, "roll-out"), { "": 5 });
      assert.deepInclude(Run.outputsOf(ended, "sign-off")?.[""], {
        author: "ben",
        approver: "ana",
      });
      assert.deepStrictEqual(executed(), [...throughEvaluate, "roll-out"]);
      assert.lengthOf(await runs(), 1);
    }));

  it("shows what is asked to those who do not answer yet", () =>
    project("asked", async ({ run, approve, call, status }) => {
      await run();
      const { id } = await status();
      const { code, out, err } = await approve([id]);
      assert.strictEqual(code, 2);
      assert.include(err, "ml-pipe: to approve, give --as NAME and --reason TEXT");
      for (const line of [
        /^May this model guess for real coins\? {2}"sign-off" of run/m,
        /^ {2}who {6}ana, but not ben, who started it$/m,
        /^ {2}counts {3}for 14 days, and only for this evidence \(sha256-/m,
        /^ {4}"required": \[\n +"percent"\n +\]/m,
        /^ {2}verdict passed on the model sha256-/m,
        /^ {2}✓ gain: 6 \(expected a gain of at least 0\.1\)$/m,
        /^ {2}ml-pipe approve \S+ sign-off --as NAME --reason "…" --input JSON$/m,
        /^ {2}ml-pipe reject \S+ sign-off --as NAME --reason "…"$/m,
      ]) {
        assert.match(out, line);
      }
      const shown: unknown = JSON.parse((await approve([id, "--json"])).out);
      const Gate = Schema.Struct({ gate: Schema.String, evidence: Schema.Json });
      const { gates } = Schema.decodeUnknownSync(Schema.Struct({ gates: Schema.Array(Gate) }))(
        shown,
      );
      assert.strictEqual(gates[0]?.gate, "sign-off");
      assert.deepInclude(gates[0]?.evidence, { status: "passed" });
      const elsewhere = await approve([id, "nowhere"]);
      assert.strictEqual(elsewhere.code, 2);
      assert.include(elsewhere.err, 'asks nobody anything at "nowhere": it is suspended');
      assert.strictEqual((await call(["approve", "1999"])).code, 2);
    }));

  it("refuses a word that cannot be taken, and says what is wrong with it", () =>
    project("refused", async ({ run, approve, executed, status }) => {
      await run();
      const { id } = await status();
      const refused = async (args: ReadonlyArray<string>, message: string) => {
        const { code, err } = await approve([id, ...args]);
        assert.strictEqual(code, 2, err);
        assert.include(err, message);
      };
      const as = (name: string) => ["--as", name, "--reason", "worth it"];
      await refused([...as("ben"), "--set", "percent=5"], "ben started the run and cannot approve");
      await refused([...as("eve"), "--set", "percent=5"], "eve is not among the approvers");
      await refused(["--as", "ana", "--reason", " ", "--set", "percent=5"], "it needs a reason");
      await refused([...as("ana"), "--set", "note=fine"], '["percent"]');
      await refused([...as("ana"), "--set", "percent=500"], '["percent"]');
      await refused([...as("ana"), "--input", "{percent: 5}"], "--input is not JSON");
      await refused([...as("ana"), "--input", "{}", "--set", "a=1"], "both say what the input is");
      await refused(["--as", "ana", "--set", "percent=5"], "to approve, give --reason TEXT");
      assert.strictEqual((await status()).status, "suspended");
      assert.deepStrictEqual(executed(), throughEvaluate);
    }));

  it("stops at a no, with its reason, and exits with 3", () =>
    project("no", async ({ run, reject, executed, status }) => {
      await run();
      const { id } = await status();
      const { code, out } = await reject([id, "--as", "ana", "--reason", "too few numbers"]);
      assert.strictEqual(code, 3);
      assert.match(out, /^✓ recorded: ana rejects "sign-off" of run/m);
      assert.include(out, "too few numbers");
      assert.deepInclude(await status(), { id, status: "stopped" });
      assert.deepStrictEqual(executed(), throughEvaluate);
    }));

  it("takes an approval without going on, which is void once the evidence has changed", () =>
    project("void", async ({ cwd, run, approve, resume, write, executed, status, runs }) => {
      await run();
      const { id } = await status();
      const recorded = await approve([id, ...yes, "--no-resume", "--json"]);
      assert.strictEqual(recorded.code, 0, recorded.err);
      const word: unknown = JSON.parse(recorded.out);
      assert.deepInclude(word, { _tag: "WordRecorded" });
      const { status: stands, given = [] } = await status();
      assert.strictEqual(stands, "suspended");
      assert.deepStrictEqual(
        given.map(({ gate, approver, decision }) => [gate, approver, decision]),
        [["sign-off", "ana", "approve"]],
      );
      const shown = (await mlPipe(["status"], { cwd })).out;
      assert.match(
        shown,
        /sign-off +suspended +\w+ approved sign-off; the run has not gone on since/,
      );
      assert.match(shown, /Next\n +ml-pipe resume \S+ +goes on: \w+ approved sign-off/);
      assert.notInclude(shown, "ml-pipe approve");
      assert.match((await mlPipe(["runs"], { cwd })).out, /approved sign-off: resume it/);

      write(["numbers.length * 2", "numbers.length * 3"]);
      const asksAgain = await resume([]);
      assert.strictEqual(asksAgain.code, 4, asksAgain.err);
      assert.include(asksAgain.out, `continues run ${id}, which waits`);
      assert.include(asksAgain.out, "the evidence has changed since. Ask for a new approval");
      assert.notInclude(executed(), "roll-out");

      // What was approved is approved again, not what is there now.
      write();
      const { code } = await resume([id]);
      assert.strictEqual(code, 0);
      assert.deepInclude(await status(), { id, status: "succeeded" });
      assert.lengthOf(await runs(), 1);
    }));

  it("takes a word while another process works in the folder, and says who goes on", () =>
    project("beside", async ({ cwd, run, approve, resume, executed, status }) => {
      await run();
      const { id } = await status();
      // Another pipeline of the same state folder.
      variant(cwd, "tiny.ts");
      const env = { TINY_SLOW_MS: "60000" };
      const other = start(["run", "tiny.ts", "--no-types"], { cwd, env });
      await other.until("▸ train");
      const { code, out } = await approve([id, ...yes]);
      assert.strictEqual(code, 0);
      assert.include(out, `process ${other.pid} works in this state folder`);
      assert.include(out, `\`ml-pipe resume ${id}\``);
      assert.notInclude(executed(), "roll-out");
      other.kill("SIGKILL");
      await other.ended;
      assert.strictEqual((await resume([id])).code, 0);
      assert.include(executed(), "roll-out");
    }));
});

describe("a run that was killed", () => {
  it("is gone on with by run, under its id; --new begins another", () =>
    project("killed", async ({ run, slow, executed, runs }) => {
      const started = await slow();
      started.kill("SIGKILL");
      await started.ended;
      const [killed] = await runs();
      assert.strictEqual(killed?.status, "interrupted");

      const again = await run();
      assert.strictEqual(again.code, 4, again.err);
      assert.include(again.out, `continues run ${killed?.id}, which was interrupted`);
      assert.deepStrictEqual(executed(), ["draw", "train", "train", "evaluate"]);
      const [resumed, ...others] = await runs();
      assert.deepStrictEqual(others, []);
      assert.strictEqual(resumed?.id, killed?.id);
      assert.strictEqual(resumed?.status, "suspended");
      assert.lengthOf(resumed?.resumedAt ?? [], 1);

      const another = await run(["--new"]);
      assert.strictEqual(another.code, 4);
      assert.notInclude(another.out, "continues");
      const forced = await run(["--force"]);
      assert.notInclude(forced.out, "continues");
      assert.lengthOf(new Set((await runs()).map(({ id }) => id)), 3);
    }));

  it("is gone on with by resume, wherever its file is", () =>
    project("resume", async ({ cwd, call, resume, slow, executed, runs, write }) => {
      const nothing = await resume([]);
      assert.strictEqual(nothing.code, 2);
      assert.include(nothing.err, "no runs are recorded in .ml-pipe yet");

      const started = await slow();
      started.kill("SIGKILL");
      await started.ended;
      rmSync(join(cwd, "pipeline.ts"));
      const gone = await resume([]);
      assert.strictEqual(gone.code, 2);
      assert.match(
        gone.err,
        /RunFileMissing: the pipeline file of run \S+ is not there any more: pipeline\.ts\. Say where it is with --file FILE/,
      );
      variant(cwd, "tiny.ts");
      const other = await resume(["--file", "tiny.ts"]);
      assert.strictEqual(other.code, 2);
      assert.include(other.err, 'it is a run of pipeline "control", not of "tiny"');

      write();
      const events = await resume(["--json"]);
      assert.strictEqual(events.code, 4, events.err);
      assert.match(events.out, /^{"_tag":"RunStarted"/);
      assert.deepStrictEqual(executed(), ["draw", "train", "train", "evaluate"]);
      const [run] = await runs();
      assert.strictEqual((await call(["approve", run?.id ?? "", ...yes])).code, 0);
      const done = await resume([run?.id ?? ""]);
      assert.strictEqual(done.code, 2);
      assert.include(done.err, "it has succeeded: nothing is left to do");
      const none = await resume([]);
      assert.strictEqual(none.code, 2);
      assert.include(
        none.err,
        "was interrupted, waits or failed. Begin one with: ml-pipe run FILE",
      );
    }));
});

it("a second process says who owns the folder, and leaves nothing half-written", () =>
  project("second", async ({ run, resume, slow, executed, runs }) => {
    const first = await slow();
    const before = await runs();
    for (const second of [await run(), await run(["--new"]), await resume([before[0]?.id ?? ""])]) {
      assert.strictEqual(second.code, 1, second.out);
      assert.include(second.err, `is in use by process ${first.pid}`);
    }
    assert.deepStrictEqual(await runs(), before);
    assert.deepStrictEqual(executed(), ["draw", "train"]);
    first.kill("SIGINT");
    assert.strictEqual((await first.ended).code, 130);
    assert.strictEqual((await run()).code, 4);
    assert.lengthOf(await runs(), 1);
  }));

/** Every file below a folder with a digest of its content, without the caches of type checks and code. */
const contentOf = (folder: string): ReadonlyArray<string> =>
  (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [])
    .filter(
      (name) => !/^(typecheck|code\.json)/.test(name) && statSync(join(folder, name)).isFile(),
    )
    .map((name) => {
      const digest = createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex");
      return `${name} ${digest}`;
    })
    .toSorted();

const decodePlan = Schema.decodeUnknownSync(Schema.fromJsonString(Plan.Plan));
const decodeExplained = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ run: Run.Run, plan: Plan.Plan })),
);

describe("a plan", () => {
  it("says what would run and because of what, and runs and writes nothing", () =>
    project("plan", async ({ cwd, call, run, approve, executed, status, write }) => {
      const state = join(cwd, ".ml-pipe");
      const first = await call(["run", "pipeline.ts", "--dry"]);
      assert.strictEqual(first.code, 0, first.err);
      assert.include(first.out, "Plan  control: 6 of 6 stages would run");
      assert.match(first.out, /^ {2}▸ {2}draw {6}runs {2}it has not run before$/m);
      assert.deepStrictEqual([executed(), contentOf(state)], [[], []]);

      await run();
      const { id } = await status();
      const waiting = await run(["--dry"]);
      assert.include(waiting.out, `going on with run ${id}`);
      assert.notInclude((await run(["--dry", "--new"])).out, "going on with");
      await approve([id, ...yes]);

      const before = [executed(), contentOf(state)];
      const states = async (env: Options["env"] = {}, ...args: ReadonlyArray<string>) => {
        const { out, err } = await run(["--dry", "--json", ...args], env);
        assert.notStrictEqual(out, "", err);
        const plan = decodePlan(out);
        return Object.fromEntries(
          plan.stages.map(({ stage, state, reason }) => [stage, `${state}: ${reason}`]),
        );
      };
      const fresh = "fresh: inputs, parameters and code are unchanged";
      assert.deepStrictEqual(await states(), {
        draw: fresh,
        train: fresh,
        evaluate: fresh,
        gate: fresh,
        "sign-off": "stale: asks every time",
        "roll-out": "stale: acts on the outside world: never cached",
      });
      const elsewhere = await states({ CONTROL_MARKET: "Lisbon" });
      assert.strictEqual(elsewhere["train"], "stale: environment variable CONTROL_MARKET changed");
      assert.strictEqual(elsewhere["evaluate"], "unknown: depends on train, which runs");
      assert.strictEqual(elsewhere["gate"], "unknown: depends on evaluate, which may run");
      assert.strictEqual((await states({}, "--force"))["draw"], "stale: forced");
      write(["scale: 2", "scale: 3"]);
      assert.include((await states())["train"], "parameter scale: 2 → 3");

      // `status --explain` is the same plan, beside the run.
      const explained = decodeExplained((await call(["status", "--explain", "--json"])).out);
      assert.strictEqual(explained.run.id, id);
      assert.strictEqual(explained.plan.stages.length, 6);
      for (const what of [[], [id.slice(0, 18)]]) {
        const { code, out } = await call(["status", "--explain", ...what]);
        assert.strictEqual(code, 0);
        assert.match(out, /^ {2}✓ {2}train/m);
        assert.match(out, /^ {2}▸ {2}train {5}runs .*parameter scale: 2 → 3/m);
      }
      const ofFile = await call(["status", "--explain", "pipeline.ts"]);
      assert.match(ofFile.out, /^Plan {2}control: /);
      assert.deepStrictEqual([executed(), contentOf(state)], before);
    }));

  it("of a pipeline that is not valid says what is wrong with it", () =>
    project("invalid", async ({ call, write }) => {
      write(["numbers: draw()", "numbers: evaluate"]);
      const { code, err } = await call(["run", "pipeline.ts", "--dry"]);
      assert.strictEqual(code, 2);
      assert.include(err, "pipeline.ts is not valid");
    }));
});
