import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import type { Finding } from "./Finding.ts";
import { charter } from "./internal/charter.fixture.ts";
import { engine, engineIn, newest, observe, withCode } from "./internal/engine.fixture.ts";
import { temporaryFolder } from "./internal/folder.fixture.ts";
import { artifact, at, graphOf, runOf, stageOf } from "./internal/records.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type { RunStatus, StageRun } from "./Run.ts";
import * as RunDump from "./RunDump.ts";
import * as Stage from "./Stage.ts";
import { Store } from "./Store.ts";

const text = Schema.fromJsonString(Schema.toCodecJson(RunDump.RunDump));
const encode = Schema.encodeSync(text);
const decode = Schema.decodeSync(text);

const stages: fc.Arbitrary<Partial<StageRun>> = fc.record(
  {
    status: fc.constantFrom<StageRun["status"]>("succeeded", "failed", "skipped"),
    outputs: fc.dictionary(
      fc.constantFrom("", "a", "b"),
      fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant(artifact("x"))),
    ),
    rows: fc.nat(),
    bytes: fc.nat(),
    thisRunOnly: fc.boolean(),
    stoppedEarly: fc.boolean(),
    cacheNote: fc.string(),
    endedAt: fc.nat(1000).map(at),
    failure: fc.record({ tag: fc.string(), message: fc.string() }),
    findings: fc.array(
      fc.record(
        {
          check: fc.string(),
          severity: fc.constantFrom<Finding["severity"]>("fail", "warn", "info"),
          expected: fc.string(),
          found: fc.string(),
          next: fc.string(),
          rows: fc.nat(),
          sample: fc.array(fc.nat()),
        },
        { requiredKeys: ["check", "severity", "expected", "found", "next"] },
      ),
    ),
    exhibits: fc.array(
      fc.record({
        _tag: fc.constant("table" as const),
        title: fc.string(),
        columns: fc.array(fc.string()),
        rows: fc.array(fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null)))),
      }),
    ),
    signals: fc.array(
      fc.record({
        signal: fc.string(),
        value: fc.integer(),
        at: fc.nat(1000).map(at),
        payload: fc.oneof(fc.constant(null), fc.string()),
      }),
    ),
  },
  { requiredKeys: [] },
);

describe("a dump", () => {
  it.effect("of any run goes through its schema unchanged, and stands alone", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          stages,
          stages,
          fc.constantFrom<RunStatus>("succeeded", "failed"),
          (a, b, status) =>
            Effect.gen(function* () {
              const store = yield* Store;
              const graph = graphOf({ one: {}, two: { n: "one" } });
              yield* store.startRun(runOf("r", graph, { status, forced: { one: "why" } }));
              yield* store.putStage(stageOf("r", "one", a));
              yield* store.putStage(stageOf("r", "two", b));
              const run = yield* store.run("r").pipe(Effect.flatMap(Effect.fromOption));
              const dump = yield* RunDump.of(run);
              assert.deepStrictEqual(dump.run, run);
              assert.deepStrictEqual(decode(encode(dump)), dump);
            }).pipe(Effect.provide(Store.layerMemory), Effect.runPromise),
        ),
      ),
    ),
  );

  it.effect("has the words that counted, whichever run they were given in", () =>
    Effect.gen(function* () {
      const gate = Stage.approval("sign-off", {
        question: "good?",
        evidence: Schema.Int,
        approvers: ["ana"],
      });
      const one = Stage.make("one", {
        input: {},
        output: Schema.Int,
        run: () => Effect.succeed(1),
      });
      const pipeline = Pipeline.make("asks", { charter }, () => ({
        said: gate({ evidence: one() }),
      }));
      const folder = yield* temporaryFolder;
      yield* Effect.gen(function* () {
        yield* observe(pipeline).pipe(withCode());
        const first = yield* newest;
        const asks = first.stages.find(({ stage }) => stage === "sign-off")?.asks;
        assert.isDefined(asks);
        const { approvals } = yield* Store;
        yield* approvals.put({
          pipeline: "asks",
          gate: "sign-off",
          run: first.id,
          evidence: asks.evidence,
          approver: "ana",
          decision: "approve",
          reason: "fine",
          at: first.startedAt,
          expiresAt: new Date(first.startedAt.getTime() + 60_000),
          input: null,
        });
        yield* observe(pipeline).pipe(withCode());
        const second = yield* newest;
        assert.notStrictEqual(second.id, first.id);
        assert.strictEqual(second.status, "succeeded");
        for (const run of [first, second]) {
          const { approvals } = yield* RunDump.of(run);
          assert.deepStrictEqual(
            approvals.map(({ reason }) => reason),
            ["fine"],
          );
        }
      }).pipe(Effect.provide(engineIn(folder)));
    }),
  );

  it.effect("has the items that the run executed, with what came of each", () =>
    Effect.gen(function* () {
      const list = Stage.make("list", {
        input: {},
        output: Schema.Array(Schema.Int),
        run: () => Effect.succeed([2, 1]),
      });
      const double = Stage.make("double", {
        input: { n: Schema.Int },
        output: Schema.Int,
        run: ({ n }) => Effect.succeed(2 * n),
      });
      const pipeline = Pipeline.make("fan", { charter }, () => ({
        out: Stage.forEach("doubles", double, { each: "n", key: String })({ n: list() }),
      }));
      yield* observe(pipeline);
      const { items } = yield* RunDump.of(yield* newest);
      assert.deepStrictEqual(items, [
        { stage: "doubles", key: "1", outcome: { outputs: { "": 2 } } },
        { stage: "doubles", key: "2", outcome: { outputs: { "": 4 } } },
      ]);
      yield* observe(pipeline);
      assert.isEmpty((yield* RunDump.of(yield* newest)).items, "it reused them");
    }).pipe(withCode(), Effect.provide(engine)),
  );
});
