/** The example as its README says: both pipelines give a release, with the numbers that are written there. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine, Local, type Pipeline, Run } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { afterAll, assert, beforeAll, it } from "vitest";
import message from "./message.ts";
import minutes from "./minutes.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ml-pipe-arrival-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const evaluationOf = async <A, E>(pipeline: Pipeline.Pipeline<A, E, Local.Services>) => {
  const ended: Array<Run.Run> = [];
  await Effect.runPromise(
    Engine.Engine.use((engine) =>
      engine.run(pipeline, {
        onEvent: (event) =>
          Effect.sync(() => void (event._tag === "RunEnded" && ended.push(event.run))),
      }),
    ).pipe(Effect.provide(Local.layer(folder))),
  );
  const [run] = ended;
  if (run === undefined) throw new Error("the run did not end");
  return Object(Run.outputsOf(run, "evaluate")?.["evaluation"]);
};

it("books gates for less than ten minutes for all, and releases that", async () => {
  const { gain, cost, overfit, segments } = await evaluationOf(minutes);
  assert.closeTo(cost.baseline.estimate, 55.35, 0.01);
  assert.closeTo(gain.estimate, 6.4, 0.5);
  assert.isAbove(gain.interval.lower, 3);
  assert.isAbove(overfit.train.estimate, gain.estimate);
  assert.isAbove(segments.considered, 50);
});

it("tells passengers more than that all is well until the evening, and releases that", async () => {
  const { gain, cost, confusion, choices } = await evaluationOf(message);
  assert.closeTo(cost.baseline.estimate, 9.98, 0.01);
  assert.closeTo(gain.estimate, 3.5, 0.3);
  const looked = confusion.map((row: ReadonlyArray<number>) => row[choices.indexOf("look")]);
  assert.isAbove(Math.max(...looked), 100);
});
