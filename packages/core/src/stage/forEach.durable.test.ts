import { assert, describe, it } from "@effect/vitest";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import { ArtifactStore } from "../Artifact.ts";
import { CodeOf } from "../Engine.ts";
import { charter } from "../internal/charter.fixture.ts";
import { engine, engineIn, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import { temporaryFolder } from "../internal/folder.fixture.ts";
import * as LocalEngine from "../LocalEngine.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Signal from "../Signal.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";

class Refused extends Schema.TaggedError<Refused>()("Refused", { n: Schema.Int }) {}
const Seen = Signal.make("Seen", { description: "", payload: Schema.Struct({ n: Schema.Int }) });

const numbersTo = (count: number) =>
  Stage.make("numbers", {
    input: {},
    output: Schema.Array(Schema.Int),
    params: { count },
    run: () => Effect.succeed(Array.from({ length: count }, (_, n) => n)),
  });

interface Behaviour {
  /** Items that fail, as long as they are not repaired. */
  readonly refuses?: ReadonlySet<number>;
  /** As many items begin before all others hang. */
  readonly hangsAfter?: number;
}

/** Squares numbers; notes what began, ended well, and was closed. */
const squaring = ({ refuses = new Set(), hangsAfter = Infinity }: Behaviour = {}) => {
  const finished: Array<number> = [];
  const hung = Deferred.makeUnsafe<void>();
  let [began, open, limit] = [0, 0, hangsAfter];
  let refused: ReadonlySet<number> = refuses;
  const stage = Stage.make("square", {
    input: { n: Schema.Int },
    output: Schema.Int,
    signals: { seen: Seen },
    run: ({ n }, { emit, finding }) =>
      Effect.gen(function* () {
        open++;
        if (began++ >= limit) {
          yield* Deferred.succeed(hung, undefined);
          return yield* Effect.never;
        }
        // Lets others begin in between.
        if (n % 3 === 0) yield* Effect.yieldNow;
        if (refused.has(n)) return yield* new Refused({ n });
        yield* emit("seen", { at: new Date(n), value: n, payload: { n } });
        if (n % 5 === 0) {
          yield* finding({ check: "five", severity: "warn", expected: "", found: "", next: "" });
        }
        finished.push(n);
        return n * n;
      }).pipe(Effect.ensuring(Effect.sync(() => void open--))),
  });
  return {
    stage,
    finished,
    hung,
    open: () => open,
    repair: () => {
      limit = Infinity;
      refused = new Set();
    },
    unblock: () => void (limit = Infinity),
  };
};

type Squaring = ReturnType<typeof squaring>["stage"];

const squares = (
  stage: Squaring,
  count: number,
  options: { readonly concurrency?: number; readonly onFailure?: Stage.OnFailure } = {},
) =>
  Pipeline.make("p", { charter }, () => ({
    out: Stage.forEach("squares", stage, { each: "n", key: (n) => `#${n}`, ...options })({
      n: numbersTo(count)(),
    }),
  }));

const outcomeOf = (observed: Effect.Success<ReturnType<typeof observe>>) => {
  const record = stageOf(observed.run, "squares");
  return {
    status: record.status,
    outputs: record.outputs,
    failure: record.failure,
    findings: record.findings.map(({ check, found }) => `${check} ${found}`).toSorted(),
    signals: record.signals.map(({ value }) => value).toSorted((a, b) => a - b),
  };
};

const inMemory = LocalEngine.layer.pipe(
  Layer.provideMerge(Layer.merge(Store.layerMemory, ArtifactStore.layerTemporary)),
);

describe("a run that was interrupted", () => {
  const scenario = fc.record({
    count: fc.integer({ min: 0, max: 40 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    refuses: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 4 }),
    hangsAfter: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 3 }),
    onFailure: fc.constantFrom<Stage.OnFailure>("collect", { quarantine: { atMostShare: 0.2 } }),
    again: fc.constantFrom("resume", "new run"),
  });

  it.effect("ends as an undisturbed one, and no item that is finished is done twice", () =>
    Effect.gen(function* () {
      let interruptions = 0;
      for (const chosen of fc.sample(scenario, { numRuns: 80, seed: 17 })) {
        const { count, concurrency, onFailure, again } = chosen;
        const refuses = new Set(chosen.refuses);
        const calm = squaring({ refuses });
        const options = { concurrency, onFailure };
        const expected = yield* observe(squares(calm.stage, count, options)).pipe(
          Effect.provide(inMemory),
        );

        const services = yield* Layer.build(inMemory);
        const finished: Array<number> = [];
        let resume: { readonly resume?: string } = {};
        for (const hangsAfter of chosen.hangsAfter) {
          const { stage, hung, open, ...work } = squaring({ refuses, hangsAfter });
          const fiber = yield* Effect.forkChild(
            observe(squares(stage, count, options), resume).pipe(Effect.provideContext(services)),
          );
          yield* Effect.raceFirst(Deferred.await(hung), Fiber.await(fiber));
          yield* Effect.yieldNow;
          const isHung = yield* Deferred.isDone(hung);
          if (isHung) interruptions++;
          yield* Fiber.interrupt(fiber);
          assert.strictEqual(open(), 0, "every item is closed");
          finished.push(...work.finished);
          const [newest] = yield* Store.use((store) => store.runs(1)).pipe(
            Effect.provideContext(services),
          );
          const unfinished = newest?.status === "interrupted" || newest?.status === "failed";
          resume = again === "resume" && unfinished ? { resume: newest.id } : {};
        }
        const last = squaring({ refuses });
        const observed = yield* observe(squares(last.stage, count, options), resume).pipe(
          Effect.provideContext(services),
        );
        finished.push(...last.finished);
        const about = JSON.stringify({ ...chosen, refuses: [...refuses] });
        assert.deepStrictEqual(
          { ...outcomeOf(observed), status: "" },
          { ...outcomeOf(expected), status: "" },
          about,
        );
        assert.strictEqual(new Set(finished).size, finished.length, `done twice: ${about}`);
      }
      assert.isAbove(interruptions, 50);
    }).pipe(withCode()),
  );

  it.effect("of a forced run does not repeat what that run has finished", () =>
    Effect.gen(function* () {
      const earlier = squaring();
      yield* observe(squares(earlier.stage, 10));
      const { stage, finished, hung, unblock } = squaring({ hangsAfter: 6 });
      const pipeline = squares(stage, 10, { concurrency: 1 });
      const fiber = yield* Effect.forkChild(observe(pipeline, { force: true }));
      yield* Deferred.await(hung);
      yield* Effect.yieldNow;
      yield* Fiber.interrupt(fiber);
      assert.lengthOf(finished, 6);
      unblock();
      const [newest] = yield* Store.use((store) => store.runs(1));
      yield* observe(pipeline, { resume: newest?.id ?? "" });
      assert.deepStrictEqual(finished, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("and acts on the outside world goes on, but no other run takes its items", () =>
    Effect.gen(function* () {
      const sent: Array<number> = [];
      let broken = true;
      const send = Stage.make("send", {
        input: { n: Schema.Int },
        output: Schema.Int,
        cache: "never",
        run: ({ n }) =>
          Effect.gen(function* () {
            if (broken && n === 3) return yield* new Refused({ n });
            sent.push(n);
            return n;
          }),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({
        out: Stage.forEach("sends", send, { each: "n", key: String, onFailure: "collect" })({
          n: numbersTo(5)(),
        }),
      }));
      const first = yield* observe(pipeline);
      broken = false;
      yield* observe(pipeline, { resume: first.run.id });
      assert.deepStrictEqual(sent.toSorted(), [0, 1, 2, 3, 4]);
      yield* observe(pipeline);
      assert.lengthOf(sent, 10);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("an item that cannot be recorded", () => {
  it.effect("fails the stage: it does not count as finished", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const layer = engineIn(folder);
      const { stage, finished } = squaring();
      yield* observe(squares(stage, 1)).pipe(Effect.provide(layer));
      const alter = (sql: string) => {
        const db = new DatabaseSync(path.join(folder, "ml-pipe.sqlite"));
        db.exec(sql);
        db.close();
      };
      alter(`CREATE TRIGGER full BEFORE INSERT ON item
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
      const onFailure = { quarantine: { atMostShare: 1 } };
      const pipeline = squares(stage, 500, { onFailure });
      const failed = yield* observe(pipeline).pipe(Effect.provide(layer));
      const { failure } = stageOf(failed.run, "squares");
      assert.strictEqual(failure?.tag, "StoreError");
      assert.match(failure?.message ?? "", /record items.*disk is full/);
      assert.isBelow(finished.length, 500);
      alter("DROP TRIGGER full");
      finished.length = 0;
      const resumed = yield* observe(pipeline, { resume: failed.run.id }).pipe(
        Effect.provide(layer),
      );
      assert.strictEqual(resumed.run.status, "succeeded");
      assert.lengthOf(finished, 499);
    }).pipe(withCode()),
  );
});

describe("items of earlier runs", () => {
  it.effect("tell again what they told when they ran", () =>
    Effect.gen(function* () {
      yield* observe(squares(squaring().stage, 6));
      const second = yield* observe(squares(squaring().stage, 7));
      const { findings, signals } = outcomeOf(second);
      assert.deepStrictEqual(findings, ["#0: five ", "#5: five "]);
      assert.deepStrictEqual(signals, [0, 1, 2, 3, 4, 5, 6]);
      assert.deepStrictEqual(stageOf(second.run, "squares").items, {
        total: 7,
        succeeded: 1,
        cached: 6,
        failed: 0,
      });
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("that failed are tried again, also if they were set aside", () =>
    Effect.gen(function* () {
      const { stage, finished, repair } = squaring({ refuses: new Set([2]) });
      const pipeline = squares(stage, 5, { onFailure: { quarantine: { atMostShare: 0.5 } } });
      const first = yield* observe(pipeline);
      assert.strictEqual(stageOf(first.run, "squares").status, "succeeded");
      repair();
      const second = yield* observe(pipeline);
      const record = stageOf(second.run, "squares");
      assert.strictEqual(record.cacheNote, "1 of its items failed: they are tried again");
      assert.deepStrictEqual(record.items, { total: 5, succeeded: 1, cached: 4, failed: 0 });
      assert.deepStrictEqual(finished.toSorted(), [0, 1, 2, 3, 4]);
      const third = yield* observe(pipeline);
      assert.strictEqual(stageOf(third.run, "squares").status, "cached");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("count whatever becomes of failures: another policy repeats nothing", () =>
    Effect.gen(function* () {
      const { stage, finished } = squaring({ refuses: new Set([4]) });
      yield* observe(squares(stage, 5, { concurrency: 1 }));
      yield* observe(squares(stage, 5, { onFailure: { quarantine: { atMostShare: 1 } } }));
      assert.deepStrictEqual(finished, [0, 1, 2, 3]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("do not count if the code is not known, and the record says so", () =>
    Effect.gen(function* () {
      const { stage, finished } = squaring();
      yield* observe(squares(stage, 3));
      const { run } = yield* observe(squares(stage, 4));
      assert.lengthOf(finished, 7);
      assert.strictEqual(stageOf(run, "squares").cacheNote, "not cached: lost");
    }).pipe(
      Effect.provideService(CodeOf, () => Effect.succeed({ _tag: "Unknown", reason: "lost" })),
      Effect.provide(engine),
    ),
  );

  it.effect("are found in chunks; one whose record is damaged is done again", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      yield* observe(squares(squaring().stage, 2500)).pipe(Effect.provide(engineIn(folder)));
      const db = new DatabaseSync(path.join(folder, "ml-pipe.sqlite"));
      db.exec("UPDATE item SET record = substr(record, 2) WHERE key = '#7'");
      db.close();
      const { stage, finished } = squaring();
      yield* observe(squares(stage, 2501)).pipe(Effect.provide(engineIn(folder)));
      assert.deepStrictEqual(finished, [7, 2500]);
    }).pipe(withCode()),
  );

  it.effect("inside items are not mistaken for one another", () =>
    Effect.gen(function* () {
      const add = Stage.make("add", {
        input: { a: Schema.Int, b: Schema.Int },
        output: Schema.Int,
        run: ({ a, b }) => Effect.succeed(a + b),
      });
      const inner = Stage.forEach("inner", add, { each: "b", key: String });
      const outer = Stage.forEach("outer", inner, { each: "a", key: String });
      const pipeline = Pipeline.make("p", { charter }, () => {
        const n = numbersTo(3)();
        return { out: outer({ a: n, b: n }) };
      });
      const { exit } = yield* observe(pipeline);
      assert.isTrue(Exit.isSuccess(exit));
      if (Exit.isFailure(exit)) return;
      assert.deepStrictEqual(
        exit.value.outputs.out.items.map(({ value }) => value.items.map(({ value }) => value)),
        [
          [0, 1, 2],
          [1, 2, 3],
          [2, 3, 4],
        ],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );
});
