import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RunLog } from "@ml-pipe/observe";
import * as Schema from "effect/Schema";
import { afterAll, assert, describe, it } from "vitest";
import { mlPipe, remove, start, variant, workspace } from "./support.ts";

const cwd = workspace("logs");
afterAll(() => remove(cwd));

/** The tiny pipeline, whose training says something. */
const file = variant(cwd, "pipeline.ts", [
  `yield* progress({ label: "half way", share: 0.5 });`,
  `yield* progress({ label: "half way", share: 0.5 });
    yield* Effect.logWarning("fits badly").pipe(Effect.annotateLogs({ loss: 0.25 }));`,
]);
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(RunLog.Entry));

const stateOf = (state: string) => {
  const env = { ML_PIPE_STATE: state };
  return {
    run: (more: NodeJS.ProcessEnv = {}) => mlPipe(["run", file], { cwd, env: { ...env, ...more } }),
    start: (args: ReadonlyArray<string>, more: NodeJS.ProcessEnv = {}) =>
      start(args, { cwd, env: { ...env, ...more } }),
    logs: (...args: ReadonlyArray<string>) => mlPipe(["logs", ...args], { cwd, env }),
    runs: () => readdirSync(join(cwd, state, "logs")).map((name) => name.replace(".ndjson", "")),
  };
};

describe("the logs of a run", () => {
  const { run, logs, runs } = stateOf("whole");

  it("are what its stages logged and what happened, of one stage or from a level on", async () => {
    assert.strictEqual((await run()).code, 0);
    const all = await logs();
    assert.strictEqual(all.code, 0, all.err);
    const time = String.raw`^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z  `;
    for (const line of [
      "info             run of tiny started in process \\d+$",
      "info   draw      started: it has not run before$",
      "warn   train     fits badly  loss=0\\.25$",
      "info             run succeeded$",
    ]) {
      assert.match(all.out, new RegExp(time + line, "m"));
    }
    const [id = ""] = runs();
    const train = (await logs(id.slice(0, 18), "train", "--level", "warn")).out.trim();
    assert.match(train, /^\S+ \S+ {2}warn {3}train {5}fits badly {2}loss=0\.25$/);
    assert.strictEqual((await logs("train", "--level", "warn")).out.trim(), train);
    assert.strictEqual((await logs("--level", "fatal")).out, "");
  });

  it("are lines of JSON for programs", async () => {
    const { out } = await logs("--json", "--level", "warn");
    const entries = out
      .trim()
      .split("\n")
      .map((line) => decode(line));
    assert.deepStrictEqual(
      entries.map(({ stage }) => stage),
      ["inspect", "train"],
    );
    assert.deepStrictEqual(entries[1]?.annotations, { loss: 0.25 });
  });

  it("of a run that has ended end at once, also if they are followed", async () => {
    const [followed, read] = [await logs("-f"), await logs()];
    assert.deepStrictEqual([followed.code, followed.out], [0, read.out]);
  });

  it("are refused of what is not there", async () => {
    const stage = await logs(runs()[0] ?? "", "trian");
    assert.strictEqual(stage.code, 2);
    assert.include(stage.err, 'the pipeline "tiny" has no stage "trian". Did you mean "train"?');
    const run = await logs("1999");
    assert.strictEqual(run.code, 2);
    assert.include(run.err, 'no run "1999" is recorded');
    assert.strictEqual((await logs("--level", "loud")).code, 2);
  });

  it("may be gone: that is said, and no error", async () => {
    rmSync(join(cwd, "whole/logs"), { recursive: true });
    const { code, out, err } = await logs();
    assert.deepStrictEqual([code, out], [0, ""]);
    assert.match(err, /^no log is kept of run \S+$/m);
    assert.isFalse(existsSync(join(cwd, "whole/logs")));
  });
});

describe("logs that are followed", () => {
  const slow = { TINY_SLOW_MS: "60000" };

  it("come while the run goes on, until Ctrl-C", async () => {
    const state = stateOf("followed");
    const run = state.start(["run", file], slow);
    await run.until("▸ train");
    const follow = state.start(["logs", "--follow"]);
    await follow.until("fits badly");
    follow.kill("SIGINT");
    assert.strictEqual((await follow.ended).code, 130);
    run.kill("SIGINT");
    assert.strictEqual((await run.ended).code, 130);
    assert.match((await state.logs()).out, /warn {3}train {5}interrupted after .+ m?s$/m);
  });

  it("end when the run does, with its last line", async () => {
    const state = stateOf("ending");
    const run = state.start(["run", file], { TINY_SLOW_MS: "3000" });
    await run.until("▸ train");
    const follow = state.start(["logs", "-f"]);
    await follow.until("fits badly");
    const { code, out } = await follow.ended;
    assert.strictEqual(code, 0);
    assert.match(out, /run succeeded\n$/);
    assert.strictEqual((await run.ended).code, 0);
  });

  it("end when its process was killed, and what it had logged is there", async () => {
    const state = stateOf("killed");
    const run = state.start(["run", file], slow);
    await run.until("▸ train");
    const follow = state.start(["logs", "-f"]);
    await follow.until("fits badly");
    run.kill("SIGKILL");
    assert.strictEqual((await follow.ended).code, 0);
    await run.ended;
    // The same run goes on, and so does its log.
    assert.strictEqual((await state.run()).code, 0);
    assert.lengthOf(state.runs(), 1);
    const { out } = await state.logs();
    assert.match(out, /started in process[^]*fits badly[^]*goes on in process[^]*run succeeded\n$/);
  });
});
