/** Trainings that are stopped or killed half-way. */
import { Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, assert, it } from "vitest";
import { root } from "../support/repository.ts";
import { type Ended, mlPipe, remove, start, workspace } from "./support.ts";

const cwd = workspace("training");
afterAll(() => remove(cwd));
copyFileSync(join(root, "test/cli/fixtures/training/pipeline.ts"), join(cwd, "pipeline.ts"));

const run = (state: string, flag: string) => {
  return ["run", "pipeline.ts", "--no-types", "--state", state, flag];
};

const RunEnded = Schema.Struct({ _tag: Schema.Literal("RunEnded"), run: Run.Run });

/** The record of a run in what `--json` tells. */
const recordOf = ({ out, err }: Ended) => {
  const line = out.split("\n").find((one) => one.includes('"_tag":"RunEnded"'));
  if (line === undefined) throw new Error(`the run has not ended:\n${out}${err}`);
  return Schema.decodeUnknownSync(Schema.fromJsonString(RunEnded))(line).run;
};

const stageOf = ({ stages }: Run.Run, name: string) => stages.find(({ stage }) => stage === name);

it("Ctrl-C keeps the best model so far, and says so; only `resume` goes on with it", async () => {
  const env = { TREES: "100000" };
  const training = start(run("stopped", "--json"), { cwd, env });
  await training.until("at tree 20 of 100000");
  training.kill("SIGINT");
  const ended = await training.ended;
  assert.strictEqual(ended.code, 130, ended.err);
  const record = recordOf(ended);
  assert.strictEqual(record.status, "interrupted");
  const trained = stageOf(record, "train");
  assert.deepInclude(trained, { status: "succeeded", stoppedEarly: true, thisRunOnly: true });
  const [finding] = trained?.findings ?? [];
  assert.match(finding?.found ?? "", /^stopped after \d+ of 100,000 trees, with the best \d+/);
  assert.strictEqual(stageOf(record, "digest")?.status, "not-reached");

  const dry = await mlPipe(run("stopped", "--dry"), { cwd, env });
  assert.match(dry.out, /train +runs +it was stopped early: it runs again, to its end/);
  const resume = ["resume", "--no-types", "--state", "stopped", "--json"];
  const resumed = recordOf(await mlPipe(resume, { cwd, env }));
  assert.strictEqual(resumed.status, "succeeded");
  assert.deepStrictEqual(stageOf(resumed, "train")?.outputs, trained?.outputs);
  const told = JSON.stringify(stageOf(resumed, "digest")?.outputs);
  assert.match(told, /gradient-boosted trees, stopped after \d+ of 100000/);
});

it("a training that is killed begins again, and gives the model of one that was not", async () => {
  const env = { TREES: "200" };
  const killed = start(run("killed", "--json"), { cwd, env });
  await killed.until("at tree 50 of 200");
  killed.kill("SIGKILL");
  await killed.ended;
  const after = recordOf(await mlPipe(run("killed", "--json"), { cwd, env }));
  assert.lengthOf(after.resumedAt ?? [], 1);
  const whole = recordOf(await mlPipe(run("whole", "--json"), { cwd, env }));
  const model = stageOf(whole, "digest")?.outputs;
  assert.include(JSON.stringify(model), "gradient-boosted trees");
  assert.deepStrictEqual(stageOf(after, "digest")?.outputs, model);
});
