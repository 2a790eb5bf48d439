import { assert, describe, it } from "@effect/vitest";
import { Charter, Column, Contract, Engine, LocalEngine, Pipeline, type Run } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { TestClock } from "effect/testing";
import * as fs from "node:fs";
import * as path from "node:path";
import { rowsOf, services, temporaryFolder } from "./ingest.fixture.ts";
import * as Ingest from "./Ingest.ts";
import * as Location from "./Location.ts";
import * as Source from "./Source.ts";

const charter = Charter.make({
  title: "Count orders",
  decision: { question: "enough?", madeAt: "noon", actor: "desk", outcomeKnownAfter: "1 day" },
  metric: {
    name: "expected cost",
    unit: "coins",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 2, trueNegative: 0 },
  },
  baseline: { name: "never", description: "it is never enough", rule: false },
  smallestGain: 0.1,
  surface: "a desk",
  kill: { on: "2037-06-30", criterion: "no gain in a month" },
  owner: "shop",
});

const Order = Contract.make("order", {
  version: "1",
  owner: "shop",
  key: ["id"],
  columns: {
    id: Column.int(),
    at: Column.timestamp({ nullable: true }),
    total: Column.float({ nullable: true }),
  },
});

const engine = LocalEngine.layer.pipe(
  Layer.provideMerge(services),
  Layer.provideMerge(
    Layer.succeed(Engine.CodeOf, () =>
      Effect.succeed({ _tag: "Known", parts: { tests: "1" } } as const),
    ),
  ),
);
const provided = Effect.provide(engine);

/** Runs an incremental ingest in a pipeline of its own. */
const run = Effect.fnUntraced(function* <E>(
  source: Source.Source<E>,
  options: Ingest.IncrementalOptions<typeof Order> = {},
) {
  const ingest = Ingest.incremental(Order, source, { quarantine: { atMost: 0.9 }, ...options });
  const pipeline = Pipeline.make("orders", { charter }, () => {
    const { table, quarantine, increments } = ingest();
    return { table, quarantine, increments };
  });
  const { run, outputs } = yield* Engine.Engine.use((one) => one.run(pipeline));
  const { table, quarantine, increments } = outputs;
  return { table, quarantine, increments, stage: run.stages[0], rows: yield* rowsOf(table) };
});

const findingsOf = (stage: Run.StageRun | undefined) =>
  stage?.findings
    .filter(({ check }) => check.startsWith("increments"))
    .map(({ check, found }) => `${check}: ${found}`);

/** What {@link Ingest.table} makes of all files. */
const whole = <E>(source: Source.Source<E>) =>
  Effect.map(
    Ingest.table(Order, source, { quarantine: { atMost: 0.9 } }).run({}),
    ({ table, quarantine }) => [table, quarantine].map(Table.digestOf),
  );

describe("files", () => {
  it.effect("only new and changed ones are read; the bytes are those of reading all", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const put = (name: string, ...lines: ReadonlyArray<string>) =>
        fs.writeFileSync(path.join(folder, name), ["id,at,total", ...lines, ""].join("\n"));
      const source = Source.csv(Location.glob("*.csv", { in: folder }));
      const same = Effect.fnUntraced(function* (grown: {
        readonly table: Table.AnyTable;
        readonly quarantine: Table.AnyTable;
      }) {
        const { table, quarantine } = grown;
        assert.deepStrictEqual([table, quarantine].map(Table.digestOf), yield* whole(source));
      });
      put("b.csv", "1,2001-01-01,1", "x,2001-01-01,1", "2,2001-01-01,2");
      yield* same(yield* run(source));
      const unchanged = yield* run(source);
      assert.strictEqual(unchanged.stage?.status, "cached");

      put("c.csv", "3,2001-01-02,3");
      put("a.csv", "0,2001-01-02,0", "y,,");
      const grown = yield* run(source);
      assert.deepStrictEqual(
        grown.rows.map(({ id }) => id),
        ["0", "1", "2", "3"],
      );
      assert.deepStrictEqual(
        grown.increments.map(({ name, rows }) => [path.basename(name), rows]),
        [
          ["a.csv", 1],
          ["b.csv", 2],
          ["c.csv", 1],
        ],
      );
      const files = grown.stage?.exhibits.find(({ title }) => title === "Files");
      assert.strictEqual(files?._tag === "table" ? files.rows.length : 0, 2);
      yield* same(grown);

      put("b.csv", "7,2001-01-03,7", "8,2001-01-03,7");
      yield* same(yield* run(source));
      fs.rmSync(path.join(folder, "a.csv"));
      const shrunk = yield* run(source);
      assert.deepStrictEqual(
        shrunk.rows.map(({ id }) => id),
        ["7", "8", "3"],
      );
      yield* same(shrunk);
    }).pipe(provided),
  );

  it.effect(
    "with `keep`, rows of files that were moved away stay, and a renamed file is no new one",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder;
        const at = (name: string) => path.join(folder, name);
        const source = Source.csv(Location.glob("*.csv", { in: folder }));
        const ids = (options: Ingest.IncrementalOptions<typeof Order> = {}) =>
          Effect.map(run(source, { vanished: "keep", ...options }), ({ rows }) =>
            rows.map(({ id }) => id),
          );
        fs.writeFileSync(at("1.csv"), "id,at,total\n1,,\n");
        assert.deepStrictEqual(yield* ids(), ["1"]);
        fs.renameSync(at("1.csv"), at("one.csv"));
        fs.writeFileSync(at("2.csv"), "id,at,total\n2,,\n");
        assert.deepStrictEqual(yield* ids(), ["1", "2"]);
        fs.rmSync(at("one.csv"));
        assert.deepStrictEqual(yield* ids(), ["1", "2"]);
        assert.deepStrictEqual(yield* ids({ restart: 1 }), ["2"]);
      }).pipe(provided),
  );

  it.effect("a new file of another shape is named against those before", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const source = Source.csv(Location.glob("*.csv", { in: folder }));
      fs.writeFileSync(path.join(folder, "1.csv"), "id,at,total\n1,,\n");
      yield* run(source);
      fs.writeFileSync(path.join(folder, "2.csv"), "id,at,total,luck\n2,,,7\n");
      const error = yield* Effect.flip(run(source));
      assert.strictEqual(error._tag, "SchemaDrift");
      assert.include(error.message, '2.csv: column "luck" is new');
    }).pipe(provided),
  );
});

describe("a watermark", () => {
  interface Row {
    readonly id: number;
    readonly at?: string | null;
    readonly total?: number;
  }

  it.effect("reads from the newest row, less the overlap; late and changed rows are taken", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2030-01-01"));
      let there: ReadonlyArray<Row> = [];
      const asked: Array<string | undefined> = [];
      const source = Source.rows("orders", (from) => {
        asked.push(from?.value);
        return there.filter(({ at }) => from === undefined || at == null || at >= from.value);
      });
      const options = { watermark: { column: "at", overlap: "1 hour" } } as const;
      const ids = Effect.map(run(source, options), ({ rows }) =>
        rows.map(({ id, total }) => [id, total]),
      );
      there = [
        { id: 1, at: "2001-01-01T10:00:00Z", total: 1 },
        { id: 2, at: "2001-01-01T12:00:00Z", total: 2 },
        { id: 3, at: "2001-01-01T12:30:00Z", total: 3 },
        { id: 4, at: null },
      ];
      const first = yield* ids;
      assert.deepStrictEqual(first, [
        ["1", 1],
        ["2", 2],
        ["3", 3],
        ["4", null],
      ]);
      // Twice is the same.
      const { table } = yield* run(source, options);
      assert.strictEqual(
        Table.digestOf((yield* run(source, options)).table),
        Table.digestOf(table),
      );

      there = [
        // Too late: before the window.
        { id: 9, at: "2001-01-01T11:00:00Z" },
        // Late, but in the window; 3 is gone; 1 was changed; 5 is new; 4 has a time now.
        { id: 6, at: "2001-01-01T11:45:00Z", total: 6 },
        { id: 2, at: "2001-01-01T12:00:00Z", total: 20 },
        { id: 1, at: "2001-01-01T13:00:00Z", total: 10 },
        { id: 5, at: "2001-01-01T14:00:00Z", total: 5 },
        { id: 4, at: "2001-01-01T14:30:00Z", total: 4 },
      ];
      assert.deepStrictEqual(yield* ids, [
        ["6", 6],
        ["2", 20],
        ["1", 10],
        ["5", 5],
        ["4", 4],
      ]);
      assert.deepStrictEqual(asked, [
        undefined,
        "2001-01-01T11:30:00.000000Z",
        "2001-01-01T11:30:00.000000Z",
        "2001-01-01T11:30:00.000000Z",
      ]);
      // The window begins before the newest row: an answer without any is no answer.
      there = [];
      assert.strictEqual((yield* Effect.flip(ids))._tag, "EmptyTable");
    }).pipe(provided),
  );

  it.effect("a time in the future does not hide what comes", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2001-01-01T12:00:00Z"));
      let there: ReadonlyArray<Row> = [
        { id: 1, at: "2001-01-01T11:00:00Z" },
        { id: 2, at: "9999-12-31T00:00:00Z" },
      ];
      const source = Source.rows("orders", () => there);
      const options = { watermark: { column: "at", overlap: 0 } } as const;
      yield* run(source, options);
      there = [...there, { id: 3, at: "2001-01-01T12:30:00Z" }];
      const { rows } = yield* run(source, options);
      assert.deepStrictEqual(
        rows.map(({ id }) => id),
        ["1", "3", "2"],
      );
    }).pipe(provided),
  );

  it.effect(
    "of whole numbers; another option begins anew, and says so; a failed run changes nothing",
    () =>
      Effect.gen(function* () {
        let there: ReadonlyArray<Row> = [{ id: 1 }, { id: 2 }];
        let fails = false;
        const source = Source.rows("orders", function* (from) {
          yield* there.filter(({ id }) => from === undefined || id >= Number(from.value));
          if (fails) throw new Error("connection lost");
        });
        const options = { watermark: { column: "id", overlap: 0 } } as const;
        yield* run(source, options);
        there = [{ id: 3 }, { id: 4 }];
        fails = true;
        assert.strictEqual((yield* Effect.flip(run(source, options)))._tag, "RowsFailed");
        fails = false;
        const { rows, stage } = yield* run(source, options);
        assert.deepStrictEqual(
          rows.map(({ id }) => id),
          // 2 was in the window, and is gone.
          ["1", "3", "4"],
        );
        assert.deepStrictEqual(findingsOf(stage), []);
        const again = yield* run(source, { ...options, restart: "after the repair" });
        assert.deepStrictEqual(
          again.rows.map(({ id }) => id),
          ["3", "4"],
        );
        assert.deepStrictEqual(findingsOf(again.stage), [
          "increments.continued: that the contract, the source or an option is another one now",
        ]);
      }).pipe(provided),
  );

  it("refuses what cannot be", () => {
    const source = Source.rows("orders", () => []);
    assert.throws(() => Ingest.incremental(Order, source), "name a watermark");
    assert.throws(
      () => Ingest.incremental(Order, source, { watermark: { column: "total", overlap: 1 } }),
      "must be a timestamp or a whole number",
    );
    assert.throws(() =>
      Ingest.incremental(Order, source, { watermark: { column: "at", overlap: "Infinity" } }),
    );
  });
});
