import { assert, describe, it } from "@effect/vitest";
import * as fs from "node:fs";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Artifact, ArtifactStore } from "../Artifact.ts";
import { charter } from "../internal/charter.fixture.ts";
import { engine, engineIn, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import { filesBelow, temporaryFolder } from "../internal/folder.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";

const Item = Schema.Struct({ id: Schema.String, n: Schema.Int });
type Item = typeof Item.Type;
class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Int }) {}

/** Doubles even numbers, fails for odd ones above a limit; notes which ran. */
const doubling = (failsAbove = Infinity) => {
  const ran: Array<string> = [];
  let limit = failsAbove;
  const stage = Stage.make("double", {
    input: { item: Item, times: Schema.Int },
    output: Schema.Int,
    run: ({ item, times }, { finding }) =>
      Effect.gen(function* () {
        ran.push(item.id);
        if (item.n % 2 === 1 && item.n > limit) return yield* new Odd({ n: item.n });
        if (item.n === 4) {
          const words = { expected: "x", found: "y", next: "z" };
          yield* finding({ check: "four", severity: "warn", ...words });
        }
        return item.n * times;
      }),
  });
  return { stage, ran, repair: () => void (limit = Infinity) };
};

const itemsTo = (count: number): ReadonlyArray<Item> =>
  Array.from({ length: count }, (_, n) => ({ id: `item-${n}`, n }));

const list = (items: ReadonlyArray<Item>) =>
  Stage.make("list", {
    input: {},
    output: Schema.Array(Item),
    params: items.map(({ id, n }) => [id, n]),
    run: () => Effect.succeed(items),
  });
const two = Stage.make("two", { input: {}, output: Schema.Int, run: () => Effect.succeed(2) });

const pipelineOf = (
  each: ReturnType<typeof doubling>["stage"],
  items: ReadonlyArray<Item>,
  onFailure: Stage.OnFailure = "fail-fast",
) =>
  Pipeline.make("p", { charter }, () => {
    const fan = Stage.forEach("doubles", each, {
      each: "item",
      key: ({ id }) => id,
      onFailure,
      concurrency: 2,
    });
    return { out: fan({ item: list(items)(), times: two() }) };
  });

describe("Stage.forEach", () => {
  it.effect("runs a stage for each item, in their order", () =>
    Effect.gen(function* () {
      const { stage } = doubling();
      const { run, exit } = yield* observe(pipelineOf(stage, itemsTo(5)));
      assert.isTrue(exit._tag === "Success");
      if (exit._tag !== "Success") return;
      assert.deepStrictEqual(exit.value.outputs.out, {
        items: [0, 2, 4, 6, 8].map((value, n) => ({ key: `item-${n}`, value })),
        quarantined: [],
      });
      const record = stageOf(run, "doubles");
      assert.deepStrictEqual(record.items, { total: 5, succeeded: 5, cached: 0, failed: 0 });
      assert.deepStrictEqual(
        record.findings.map(({ check }) => check),
        ["item-4: four"],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("runs by itself, outside an engine", () =>
    Effect.gen(function* () {
      const { stage, ran } = doubling();
      const fan = Stage.forEach("doubles", stage, { each: "item", key: ({ id }) => id });
      const { items } = yield* fan.run({ item: itemsTo(2), times: 3 });
      assert.deepStrictEqual(items, [
        { key: "item-0", value: 0 },
        { key: "item-1", value: 3 },
      ]);
      yield* fan.run({ item: itemsTo(2), times: 3 });
      assert.lengthOf(ran, 4);
    }),
  );

  it.effect("does only new and changed items again", () =>
    Effect.gen(function* () {
      const { stage, ran } = doubling();
      yield* observe(pipelineOf(stage, itemsTo(4)));
      ran.length = 0;
      const changed = [...itemsTo(3), { id: "item-3", n: 30 }, { id: "new", n: 40 }];
      const { run } = yield* observe(pipelineOf(stage, changed));
      assert.deepStrictEqual(ran.toSorted(), ["item-3", "new"]);
      const counts = { total: 5, succeeded: 2, cached: 3, failed: 0 };
      assert.deepStrictEqual(stageOf(run, "doubles").items, counts);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("does all again if another input or the code changed, or if it is forced", () =>
    Effect.gen(function* () {
      const { stage, ran } = doubling();
      const pipeline = pipelineOf(stage, itemsTo(3));
      yield* observe(pipeline).pipe(withCode());
      yield* observe(pipeline).pipe(withCode({ doubles: "v2" }));
      assert.lengthOf(ran, 6);
      yield* observe(pipeline, { force: true }).pipe(withCode({ doubles: "v2" }));
      assert.lengthOf(ran, 9);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("an item whose artifact is damaged is done again, and no other", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const ran: Array<number> = [];
      const store = Stage.make("store", {
        input: { n: Schema.Int },
        output: Artifact,
        run: ({ n }) =>
          ArtifactStore.use((store) => {
            ran.push(n);
            return store.putJson({ n });
          }),
      });
      const given = (extra: number) =>
        Pipeline.make("p", { charter }, () => {
          const numbers = Stage.make("numbers", {
            input: {},
            output: Schema.Array(Schema.Int),
            params: { extra },
            run: () => Effect.succeed([1, 2, 3, extra]),
          });
          const fan = Stage.forEach("files", store, { each: "n", key: String });
          return { out: fan({ n: numbers() }) };
        });
      yield* observe(given(4)).pipe(Effect.provide(engineIn(folder)));
      const [first = ""] = filesBelow(path.join(folder, "artifacts"));
      const file = path.join(folder, "artifacts", first);
      const { n } = JSON.parse(fs.readFileSync(file, "utf8"));
      fs.truncateSync(file, 1);
      ran.length = 0;
      yield* observe(given(5)).pipe(Effect.provide(engineIn(folder)));
      assert.deepStrictEqual(
        ran.toSorted(),
        [n, 5].filter((value, at, all) => all.indexOf(value) === at).toSorted(),
      );
    }).pipe(withCode()),
  );
});

describe("an item that fails", () => {
  it.effect("ends the stage with its error at once, and says which it was", () =>
    Effect.gen(function* () {
      const { stage, ran } = doubling(10);
      const { run, exit } = yield* observe(pipelineOf(stage, itemsTo(100)));
      assert.strictEqual(exit._tag, "Failure");
      const record = stageOf(run, "doubles");
      assert.strictEqual(record.failure?.tag, "Odd");
      assert.deepStrictEqual(
        record.findings.flatMap(({ found }) => (found.startsWith("item") ? [found] : [])),
        ["item item-11 failed"],
      );
      assert.strictEqual(record.items?.failed, 1);
      assert.isBelow(ran.length, 20);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("leaves what is finished: only the rest is done after the repair", () =>
    Effect.gen(function* () {
      const { stage, ran, repair } = doubling(5);
      const pipeline = pipelineOf(stage, itemsTo(10), "collect");
      const first = yield* observe(pipeline);
      assert.strictEqual(stageOf(first.run, "doubles").failure?.tag, "ItemsFailed");
      repair();
      ran.length = 0;
      const { exit } = yield* observe(pipeline, { resume: first.run.id });
      assert.deepStrictEqual(ran.toSorted(), ["item-7", "item-9"]);
      assert.strictEqual(exit._tag, "Success");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is told with all others that failed, if they are collected", () =>
    Effect.gen(function* () {
      const { stage } = doubling(0);
      const fan = Stage.forEach("doubles", stage, {
        each: "item",
        key: ({ id }) => id,
        onFailure: "collect",
      });
      const error = yield* Effect.flip(fan.run({ item: itemsTo(20), times: 2 }));
      assert.strictEqual(error._tag, "ItemsFailed");
      assert.match(error.message, /10 of 20 items failed:\n {2}item-1: Odd/);
      assert.match(error.message, /and 5 more, in the record\nThe others are done/);
      const { run } = yield* observe(pipelineOf(stage, itemsTo(20), "collect"));
      const { failure } = stageOf(run, "doubles");
      assert.deepStrictEqual(
        failure?.items?.map(({ key }) => key),
        [1, 3, 5, 7, 9, 11, 13, 15, 17, 19].map((n) => `item-${n}`),
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is set aside, if not too many are", () =>
    Effect.gen(function* () {
      const { stage } = doubling(16);
      const set = { quarantine: { atMostShare: 0.1 } };
      const { run, exit } = yield* observe(pipelineOf(stage, itemsTo(20), set));
      assert.strictEqual(exit._tag, "Success");
      if (exit._tag !== "Success") return;
      const { items, quarantined } = exit.value.outputs.out;
      assert.lengthOf(items, 18);
      assert.deepStrictEqual(
        quarantined.map(({ key, failure }) => `${key} ${failure.tag}`),
        ["item-17 Odd", "item-19 Odd"],
      );
      const found = stageOf(run, "doubles").findings.at(-1)?.found;
      assert.match(found ?? "", /2 of 20 failed and are set aside: item-17, item-19/);
      const other = pipelineOf(doubling(14).stage, itemsTo(20), set);
      const more = yield* observe(other, { force: true });
      assert.strictEqual(stageOf(more.run, "doubles").failure?.tag, "ItemsFailed");
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("a list", () => {
  const fan = Stage.forEach("doubles", doubling().stage, { each: "item", key: ({ id }) => id });

  it.effect("with one key twice, or none, is refused before anything runs", () =>
    Effect.gen(function* () {
      const item = [...itemsTo(3), { id: "item-1", n: 9 }, { id: "", n: 1 }];
      const error = yield* Effect.flip(fan.run({ item, times: 1 }));
      assert.strictEqual(error._tag, "ItemsInvalid");
      assert.match(error.message, /keys of their own.*"item-1", ""/);
    }),
  );

  it.effect("that is empty gives nothing, and says so", () =>
    Effect.gen(function* () {
      const { run, exit } = yield* observe(pipelineOf(doubling().stage, []));
      assert.isTrue(exit._tag === "Success" && exit.value.outputs.out.items.length === 0);
      assert.match(stageOf(run, "doubles").findings[0]?.found ?? "", /empty list/);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it("must be that of an input", () => {
    const each = "other" as "item";
    assert.throws(
      () => Stage.forEach("d", doubling().stage, { each, key: ({ id }) => id }),
      /"double" has no input "other"/,
    );
    const share = { quarantine: { atMostShare: 2 } };
    assert.throws(
      () =>
        Stage.forEach("d", doubling().stage, {
          each: "item",
          key: ({ id }) => id,
          onFailure: share,
        }),
      /share 2 is no share/,
    );
  });
});
