import { assert, describe, it } from "@effect/vitest";
import * as fs from "node:fs";
import * as path from "node:path";
import * as fc from "fast-check";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { Artifact, ArtifactStore } from "../Artifact.ts";
import { charter } from "../internal/charter.fixture.ts";
import { engine, engineIn, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import { filesBelow, temporaryFolder } from "../internal/folder.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Retention from "../Retention.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";
import * as StoredList from "../StoredList.ts";

class Refused extends Schema.TaggedError<Refused>()("Refused", { n: Schema.Int }) {}

/** Squares numbers, slowly where they are even, and refuses some. */
const squaring = (refuses: ReadonlySet<number> = new Set()) => {
  const ran: Array<number> = [];
  const stage = Stage.make("square", {
    input: { n: Schema.Int },
    output: Schema.Struct({ square: Schema.Int }),
    run: ({ n }) =>
      Effect.gen(function* () {
        if (n % 2 === 0) yield* Effect.yieldNow;
        if (refuses.has(n)) return yield* new Refused({ n });
        ran.push(n);
        return { square: n * n };
      }),
  });
  return { stage, ran };
};
type Squaring = ReturnType<typeof squaring>["stage"];

const each = { each: "n", key: (n: number) => `#${n}` } as const;
const numbers = (count: number) =>
  Stage.make("numbers", {
    input: {},
    output: StoredList.of(Schema.Int),
    params: { count },
    run: () => StoredList.write(Stream.fromIterable(listOf(count)), Schema.Int),
  });
const listOf = (count: number) => Array.from({ length: count }, (_, n) => n);
const Squares = Stage.storedItemsOf(Schema.Struct({ square: Schema.Int }));
const Square = Stage.itemOf(Schema.Struct({ square: Schema.Int }));

const total = Stage.make("total", {
  input: { squares: Squares },
  output: Schema.Int,
  run: ({ squares }) =>
    StoredList.stream(squares.items, Square).pipe(
      Stream.runFold(
        () => 0,
        (sum, { value }) => sum + value.square,
      ),
    ),
});

const pipelineOf = (stage: Squaring, count: number, onFailure: Stage.OnFailure = "fail-fast") =>
  Pipeline.make("p", { charter }, () => {
    const squares = Stage.forEachStored("squares", stage, { ...each, onFailure })({
      n: numbers(count)(),
    });
    return { squares, total: total({ squares }) };
  });

describe("Stage.forEachStored", () => {
  it.effect("gives what forEach gives, whatever fails and however many run at once", () =>
    Effect.gen(function* () {
      const scenario = fc.record({
        count: fc.integer({ min: 0, max: 30 }),
        concurrency: fc.integer({ min: 1, max: 7 }),
        refuses: fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 4 }),
        onFailure: fc.constantFrom<Stage.OnFailure>("collect", { quarantine: { atMostShare: 1 } }),
      });
      for (const { count, concurrency, refuses, onFailure } of fc.sample(scenario, {
        numRuns: 20,
        seed: 7,
      })) {
        const { stage } = squaring(new Set(refuses));
        const options = { ...each, concurrency, onFailure };
        const expected = yield* Effect.result(
          Stage.forEach("squares", stage, options).run({ n: listOf(count) }),
        );
        const list = yield* StoredList.write(Stream.fromIterable(listOf(count)), Schema.Int);
        const found = yield* Stage.forEachStored("squares", stage, options)
          .run({ n: list })
          .pipe(
            Effect.flatMap(({ items, quarantined }) =>
              Effect.map(Stream.runCollect(StoredList.stream(items, Square)), (items) => ({
                items,
                quarantined,
              })),
            ),
            Effect.result,
          );
        assert.deepStrictEqual<unknown>(found, expected);
      }
    }).pipe(Effect.provide(ArtifactStore.layerTemporary)),
  );

  it.effect("is recorded as references, and leaves nothing else behind", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { run, exit } = yield* observe(pipelineOf(squaring().stage, 1500)).pipe(
        Effect.provide(engineIn(folder)),
      );
      assert.strictEqual(exit._tag, "Success");
      assert.deepStrictEqual(stageOf(run, "total").outputs, { "": (1499 * 1500 * 2999) / 6 });
      const record = JSON.stringify(stageOf(run, "squares").outputs);
      assert.isBelow(record.length, 300);
      assert.strictEqual(stageOf(run, "squares").items?.succeeded, 1500);
      const files = filesBelow(folder);
      assert.lengthOf(
        files.filter((file) => file.startsWith("artifacts/")),
        2,
      );
      assert.isEmpty(files.filter((file) => file.startsWith("tmp/")));
    }).pipe(withCode()),
  );

  it.effect("does only new items again, and nothing where the list is equal", () =>
    Effect.gen(function* () {
      const { stage, ran } = squaring(new Set([3]));
      const setAside = { quarantine: { atMostShare: 0.5 } };
      const first = yield* observe(pipelineOf(stage, 8, setAside));
      assert.match(JSON.stringify(stageOf(first.run, "squares").outputs), /"key":"#3"/);
      const { stage: repaired, ran: again } = squaring();
      const second = yield* observe(pipelineOf(repaired, 10, setAside));
      assert.lengthOf(ran, 7);
      assert.deepStrictEqual(
        again.toSorted((a, b) => a - b),
        [3, 8, 9],
      );
      assert.include(second.statuses, "squares succeeded");
      const third = yield* observe(pipelineOf(repaired, 10, setAside));
      assert.deepStrictEqual(third.statuses, ["numbers cached", "squares cached", "total cached"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("goes on after an interruption with the items that are left", () =>
    Effect.gen(function* () {
      const reached = yield* Deferred.make<void>();
      const finished: Array<number> = [];
      let hangs = true;
      const stage = Stage.make("square", {
        input: { n: Schema.Int },
        output: Schema.Struct({ square: Schema.Int }),
        run: ({ n }): Effect.Effect<{ square: number }, Refused> =>
          Effect.gen(function* () {
            if (hangs && n === 600) {
              yield* Deferred.succeed(reached, undefined);
              return yield* Effect.never;
            }
            finished.push(n);
            return { square: n * n };
          }),
      });
      const pipeline = pipelineOf(stage, 700);
      const fiber = yield* Effect.forkChild(observe(pipeline));
      yield* Deferred.await(reached);
      yield* Fiber.interrupt(fiber);
      hangs = false;
      const [newest] = yield* Store.use((store) => store.runs(1));
      const { run } = yield* observe(pipeline, { resume: newest?.id ?? "" });
      assert.deepStrictEqual(
        finished.toSorted((a, b) => a - b),
        listOf(700),
      );
      assert.deepStrictEqual(stageOf(run, "total").outputs, { "": (699 * 700 * 1399) / 6 });
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect(
    "is not reused if an artifact is gone that an item refers to: that item runs again",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder;
        const ran: Array<number> = [];
        const save = Stage.make("save", {
          input: { n: Schema.Int },
          output: Artifact,
          run: ({ n }) =>
            Effect.gen(function* () {
              ran.push(n);
              return yield* (yield* ArtifactStore).putJson({ n });
            }),
        });
        const pipeline = Pipeline.make("p", { charter }, () => ({
          saved: Stage.forEachStored("saved", save, each)({ n: numbers(5)() }),
        }));
        const engine = engineIn(folder);
        yield* observe(pipeline).pipe(Effect.provide(engine));
        const { statuses } = yield* observe(pipeline).pipe(Effect.provide(engine));
        assert.include(statuses, "saved cached");
        const gone = filesBelow(path.join(folder, "artifacts")).find(
          (name) => fs.readFileSync(path.join(folder, "artifacts", name), "utf8") === '{"n":3}',
        );
        fs.rmSync(path.join(folder, "artifacts", gone ?? ""));
        ran.length = 0;
        const { run } = yield* observe(pipeline).pipe(Effect.provide(engine));
        assert.match(stageOf(run, "saved").cacheNote, /is not there/);
        assert.deepStrictEqual(ran, [3]);
        // What a list mentions stays when runs go.
        const kept = yield* Retention.preview(folder, { keepRuns: 1, keepFor: "0 days" }).pipe(
          Effect.provide(engine),
        );
        assert.deepInclude(kept.stays, { young: { count: 0, bytes: 0 } });
        assert.isEmpty(kept.removed.artifacts);
      }).pipe(withCode()),
  );

  it.effect("refuses keys that are used twice or empty before anything runs", () =>
    Effect.gen(function* () {
      const { stage, ran } = squaring();
      const list = yield* StoredList.write(Stream.make(1, 2, 1, 3, 2, 1), Schema.Int);
      const key = (n: number) => (n === 3 ? "" : `#${n}`);
      const fan = Stage.forEachStored("squares", stage, { each: "n", key });
      const wrong = yield* Effect.flip(fan.run({ n: list }));
      assert.strictEqual(wrong._tag, "ItemsInvalid");
      assert.deepStrictEqual(wrong._tag === "ItemsInvalid" && wrong.keys, ["#1", "", "#2"]);
      const texts = yield* StoredList.write(Stream.make("a"), Schema.String);
      const unread = yield* Effect.flip(fan.run({ n: { ...texts, "~item": 0 } }));
      assert.strictEqual(unread._tag, "ListItemInvalid");
      assert.isEmpty(ran);
    }).pipe(Effect.provide(ArtifactStore.layerTemporary)),
  );
});
