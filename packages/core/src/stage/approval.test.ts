import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { TestClock } from "effect/testing";
import * as Approval from "../Approval.ts";
import { charter } from "../internal/charter.fixture.ts";
import { engine, newest, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";

const Gains = Schema.Struct({ gain: Schema.Finite });
const Rollout = Schema.Struct({
  percent: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
});

const judged = (gain: number) =>
  Stage.make("judge", {
    input: {},
    output: Gains,
    params: { gain },
    run: () => Effect.succeed({ gain }),
  });

const signOff = Stage.approval("sign-off", {
  question: "May it go out?",
  evidence: Gains,
  approvers: ["ana", "ben"],
  expiresAfter: "14 days",
  input: Rollout,
});

/** judge → sign-off → percent → release, which counts how often it ran. */
const pipelineOf = (gain = 1) => {
  let releases = 0;
  const release = Stage.make("release", {
    input: { percent: Schema.Int },
    output: Schema.Int,
    run: ({ percent }) => Effect.sync(() => (releases++, percent)),
  });
  const percentOf = Stage.make("percent", {
    input: { approval: Stage.approved(Rollout) },
    output: Schema.Int,
    run: ({ approval }) => Effect.succeed(approval.input.percent),
  });
  const pipeline = Pipeline.make("p", { charter }, () => {
    const approval = signOff({ evidence: judged(gain)() });
    return { out: release({ percent: percentOf({ approval }) }) };
  });
  return { pipeline, releases: () => releases };
};

const word = (run: string, change: Partial<Approval.Word> = {}): Approval.Word => ({
  run,
  gate: "sign-off",
  as: "ana",
  decision: "approve",
  reason: "worth it",
  input: { percent: 5 },
  ...change,
});

const refused = (given: Approval.Word) =>
  Effect.map(Effect.flip(Approval.give(given)), ({ message }) => message);

describe("Stage.approval", () => {
  it.effect("suspends the run until somebody says yes, and hands on what they gave", () =>
    Effect.gen(function* () {
      const { pipeline, releases } = pipelineOf();
      const first = yield* observe(pipeline, { startedBy: "ben" });
      assert.strictEqual(first.run.status, "suspended");
      assert.deepStrictEqual(first.statuses, [
        "judge succeeded",
        "sign-off suspended",
        "percent not-reached",
        "release not-reached",
      ]);
      const asks = stageOf(first.run, "sign-off").asks;
      assert.strictEqual(asks?.question, "May it go out?");
      assert.include(JSON.stringify(asks?.input), '"percent"');
      assert.match(
        stageOf(first.run, "sign-off").failure?.message ?? "",
        /waits for ana or ben.*ml-pipe approve \S+ sign-off --as NAME --reason/,
      );
      // Nobody has said anything: it still waits.
      const again = yield* observe(pipeline, { resume: first.run.id });
      assert.strictEqual(again.run.status, "suspended");

      yield* Approval.give(word(first.run.id));
      const last = yield* observe(pipeline, { resume: first.run.id });
      assert.strictEqual(last.run.status, "succeeded");
      assert.isTrue(last.exit._tag === "Success" && last.exit.value.outputs.out === 5);
      assert.strictEqual(releases(), 1);
      assert.include(JSON.stringify(stageOf(last.run, "sign-off").outputs), '"approver":"ana"');
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("a yes is for this evidence only: another one asks again and says why", () =>
    Effect.gen(function* () {
      const first = yield* observe(pipelineOf(1).pipeline);
      yield* Approval.give(word(first.run.id));
      const same = yield* observe(pipelineOf(1).pipeline);
      assert.strictEqual(same.run.status, "succeeded");
      const other = yield* observe(pipelineOf(2).pipeline);
      assert.strictEqual(other.run.status, "suspended");
      assert.match(
        stageOf(other.run, "sign-off").failure?.message ?? "",
        /the evidence has changed since/,
      );
      // And what it was given for still counts.
      assert.strictEqual((yield* observe(pipelineOf(1).pipeline)).run.status, "succeeded");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("a yes expires, and does not count before it was given", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 24));
      const { pipeline } = pipelineOf();
      const first = yield* observe(pipeline);
      yield* Approval.give(word(first.run.id));
      yield* TestClock.setTime(Date.UTC(2026, 10, 23));
      const before = yield* observe(pipeline);
      assert.match(stageOf(before.run, "sign-off").failure?.message ?? "", /later than now/);
      yield* TestClock.setTime(Date.UTC(2026, 11, 8) - 1);
      assert.strictEqual((yield* observe(pipeline)).run.status, "succeeded");
      yield* TestClock.setTime(Date.UTC(2026, 11, 8));
      const after = yield* observe(pipeline);
      assert.strictEqual(after.run.status, "suspended");
      assert.match(stageOf(after.run, "sign-off").failure?.message ?? "", /it has expired/);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("a no stops the run, with its reason; a later yes lets it go on", () =>
    Effect.gen(function* () {
      const { pipeline } = pipelineOf();
      const first = yield* observe(pipeline);
      const reason = "not before the holidays";
      yield* Approval.give(word(first.run.id, { decision: "reject", reason, input: null }));
      const stopped = yield* observe(pipeline, { resume: first.run.id });
      assert.strictEqual(stopped.run.status, "stopped");
      assert.include(stageOf(stopped.run, "sign-off").failure?.message ?? "", reason);
      const asked = yield* observe(pipeline);
      assert.strictEqual(asked.run.status, "stopped");
      yield* Approval.give(word(asked.run.id));
      assert.strictEqual((yield* observe(pipeline)).run.status, "succeeded");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("a word of the wrong person, or without what was asked for, is not taken", () =>
    Effect.gen(function* () {
      const { run } = yield* observe(pipelineOf().pipeline, { startedBy: "ben" });
      assert.match(yield* refused(word(run.id, { as: "ben" })), /ben started the run.*Ask ana/);
      assert.match(yield* refused(word(run.id, { as: "eve" })), /eve is not among.*Ask ana or ben/);
      assert.match(yield* refused(word(run.id, { reason: " " })), /needs a reason/);
      assert.match(yield* refused(word(run.id, { gate: "other" })), /It waits at sign-off/);
      assert.match(yield* refused(word("nope")), /no such run/);
      assert.match(yield* refused(word(run.id, { input: null })), /input does not fit/);
      assert.match(yield* refused(word(run.id, { input: { percent: 500 } })), /percent/);
      assert.match(yield* refused(word(run.id, { input: { percent: "5" } })), /percent/);
      assert.deepStrictEqual(yield* (yield* Store).approvals.at("p", "sign-off"), []);
      const { gate: _, ...unnamed } = word(run.id);
      const given = yield* Approval.give(unnamed);
      assert.strictEqual(given.gate, "sign-off");
      assert.strictEqual(given.author, "ben");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("a word recorded for its author, whoever recorded it, does not count", () =>
    Effect.gen(function* () {
      const { pipeline } = pipelineOf();
      const { run } = yield* observe(pipeline, { startedBy: "cleo" });
      const given = yield* Approval.give(word(run.id));
      yield* (yield* Store).approvals.put({ ...given, author: "ana" });
      const again = yield* observe(pipeline);
      assert.strictEqual(again.run.status, "suspended");
      assert.match(
        stageOf(again.run, "sign-off").failure?.message ?? "",
        /author of a model cannot/,
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("nothing else of the run waits for it", () =>
    Effect.gen(function* () {
      const plain = Stage.approval("sign-off", {
        question: "?",
        evidence: Gains,
        approvers: ["ana"],
      });
      const pipeline = Pipeline.make("p", { charter }, () => {
        const gains = judged(1)();
        const other = Stage.make("other", {
          input: { gains: Gains },
          output: Schema.Finite,
          run: ({ gains }) => Effect.succeed(gains.gain),
        });
        return { approval: plain({ evidence: gains }), other: other({ gains }) };
      });
      const { statuses } = yield* observe(pipeline);
      assert.deepStrictEqual(statuses, [
        "judge succeeded",
        "sign-off suspended",
        "other succeeded",
      ]);
      const run = yield* newest;
      yield* Approval.give({ ...word(run.id), input: undefined });
      const { exit } = yield* observe(pipeline, { resume: run.id });
      assert.isTrue(exit._tag === "Success" && exit.value.outputs.approval.input === null);
      assert.isTrue(Option.isSome(yield* (yield* Store).run(run.id)));
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it("cannot be asked of nobody", () => {
    const ask = { question: "?", evidence: Gains };
    assert.throws(() => Stage.approval("s", { ...ask, approvers: [] }), /nobody may approve/);
  });
});
