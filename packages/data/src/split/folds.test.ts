import { assert, describe, it } from "@effect/vitest";
import { Column, Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import { tableOf, withTables } from "../../test-fixtures/tables.ts";
import { Duckdb } from "../Duckdb.ts";
import * as Split from "../Split.ts";
import * as Table from "../Table.ts";

const about = {
  version: "1",
  owner: "lab",
  columns: {
    id: Column.int(),
    who: Column.string({ nullable: true }),
    x: Column.float(),
    ill: Column.boolean({ nullable: true }),
    at: Column.timestamp(),
  },
} as const;
const Scan = Contract.make("scan", { ...about, key: ["id"] });
const PatientScan = Contract.make("patient-scan", { ...about, group: "who" });
const DatedScan = Contract.make("dated-scan", { ...about, eventTime: "at" });
const day = 86_400_000;

type Row = {
  readonly id: number;
  readonly who: string | null;
  readonly x: number;
  readonly ill: boolean | null;
  readonly at: Date | null;
};
const rowAt = (id: number, change: Partial<Row> = {}): Row => ({
  id,
  who: `p${id % 11}`,
  x: id,
  ill: id % 3 === 0,
  at: new Date(Date.parse("2001-01-01") + id * day),
  ...change,
});

const idsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const db = yield* Duckdb;
  const rows = yield* db.rows(
    "read",
    `SELECT CAST(id AS DOUBLE) AS id FROM ${yield* Table.relation(table)}`,
  );
  assert.strictEqual(rows.length, table.rows);
  return rows.map(({ id }) => Number(id));
});

/** The ids in each fold's parts; asserts that they are a fold. */
const read = Effect.fnUntraced(function* (
  folds: ReadonlyArray<{ readonly train: Table.AnyTable; readonly validation: Table.AnyTable }>,
) {
  const splits = new Set(folds.flatMap(({ train, validation }) => [train.split, validation.split]));
  assert.strictEqual(splits.size, folds.length);
  for (const { train, validation } of folds) {
    assert.notStrictEqual(Table.digestOf(train), Table.digestOf(validation));
  }
  return yield* Effect.forEach(folds, ({ train, validation }) =>
    Effect.all({ train: idsOf(train), validation: idsOf(validation) }),
  );
});

const told = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const findings: Array<Finding.Finding> = [];
    const exhibits: Array<Exhibit.Exhibit> = [];
    const value = yield* effect.pipe(
      Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Finding") findings.push(event.finding);
          if (event._tag === "Exhibit") exhibits.push(event.exhibit);
        }),
      ),
    );
    return { value, findings, exhibits };
  });

describe("Split.kFold", () => {
  it.live("validates on each row once, trains on all others, and deals strata out evenly", () =>
    Effect.gen(function* () {
      const cases = fc.tuple(
        fc.array(fc.constantFrom(true, false, null), { minLength: 12, maxLength: 60 }),
        fc.integer({ min: 2, max: 7 }),
        fc.nat(3),
      );
      for (const [ill, folds, seed] of fc.sample(cases, { numRuns: 4, seed: 3 })) {
        const rows = ill.map((one, id) => rowAt(id, { ill: one }));
        const data = yield* tableOf(Scan, "train", rows);
        const made = yield* Split.kFold(Scan, { folds, seed, stratify: "ill" }).run({ data });
        const found = yield* read(made);
        const all = rows.map(({ id }) => id);
        assert.sameMembers(
          found.flatMap(({ validation }) => validation),
          all,
        );
        for (const { train, validation } of found) {
          // In the order of the table.
          assert.deepStrictEqual(
            train,
            all.filter((id) => !validation.includes(id)),
          );
        }
        for (const value of [true, false, null]) {
          const counts = found.map(
            ({ validation }) => validation.filter((id) => rows[id]?.ill === value).length,
          );
          assert.isAtMost(Math.max(...counts) - Math.min(...counts), 1);
        }
        const sizes = found.map(({ validation }) => validation.length);
        assert.isAtMost(Math.max(...sizes) - Math.min(...sizes), 1);
        const again = yield* Split.kFold(Scan, { folds, seed, stratify: "ill" }).run({
          data: yield* tableOf(Scan, "train", rows.toReversed()),
        });
        const sorted = (ids: ReadonlyArray<number>) => ids.toSorted((a, b) => a - b);
        assert.deepStrictEqual(
          (yield* read(again)).map(({ validation }) => sorted(validation)),
          found.map(({ validation }) => sorted(validation)),
        );
      }
    }).pipe(withTables),
  );

  it.effect("keeps groups whole, and rows without one out", () =>
    Effect.gen(function* () {
      const rows = [
        ...Array.from({ length: 100 }, (_, id) => rowAt(id)),
        rowAt(100, { who: null }),
      ];
      const data = yield* tableOf(PatientScan, "checked", rows);
      const { value, findings, exhibits } = yield* told(
        Split.kFold(PatientScan, { folds: 4 }).run({ data }),
      );
      const foldOf = new Map<string | null, number>();
      for (const [fold, { validation }] of (yield* read(value)).entries()) {
        for (const id of validation) {
          const who = rows[id]?.who ?? null;
          assert.strictEqual(foldOf.get(who) ?? fold, fold);
          foldOf.set(who, fold);
        }
      }
      assert.strictEqual(foldOf.size, 11);
      assert.isFalse(foldOf.has(null));
      assert.deepStrictEqual(
        findings.map(({ check, rows }) => [check, rows]),
        [["split.group-known", 1]],
      );
      assert.include(exhibits[0]?.caption, "1 rows have no who");
      const sizes = value.map(({ validation }) => validation.rows);
      assert.isAtMost(Math.max(...sizes) - Math.min(...sizes), 10);
    }).pipe(withTables),
  );

  it.effect("makes folds of a fold, from the same file", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 40 }, (_, id) => rowAt(id));
      const data = yield* tableOf(Scan, "train", rows);
      const [outer] = yield* Split.kFold(Scan, { folds: 4 }).run({ data });
      if (outer === undefined) return assert.fail();
      const [outerIds] = yield* read([outer]);
      const inner = yield* Split.kFold(Scan, { folds: 3, seed: 1 }).run({ data: outer.train });
      const found = yield* read(inner);
      assert.sameMembers(
        found.flatMap(({ validation }) => validation),
        outerIds?.train ?? [],
      );
      const { data: where } = inner[0]?.train ?? {};
      if (where?._tag !== "parts" || data.data._tag !== "artifact") return assert.fail();
      assert.deepStrictEqual(where.of, data.data);
    }).pipe(withTables),
  );

  it.effect("says that there are too few rows or groups", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 4 }, (_, id) => rowAt(id, { who: `p${id % 2}` }));
      const data = yield* tableOf(Scan, "train", rows);
      const few = yield* Effect.flip(Split.kFold(Scan, { folds: 5 }).run({ data }));
      assert.strictEqual(
        few.message,
        "4 rows cannot be split into 5 folds. Ask for at most as many folds as there are rows, or ingest more.",
      );
      const grouped = yield* tableOf(PatientScan, "train", rows);
      const groups = yield* Effect.flip(
        Split.kFold(PatientScan, { folds: 3 }).run({ data: grouped }),
      );
      assert.match(groups.message, /^2 groups cannot be split into 3 folds\./);
      const none = yield* tableOf(Scan, "train", []);
      assert.match((yield* Effect.flip(Split.kFold(Scan).run({ data: none }))).message, /^0 rows/);
      const exactly = yield* Split.kFold(Scan, { folds: 4 }).run({ data });
      assert.deepStrictEqual(
        exactly.map(({ validation }) => validation.rows),
        [1, 1, 1, 1],
      );
      assert.throws(() => Split.kFold(Scan, { folds: 1 }), "folds: 1 is not a whole number");
    }).pipe(withTables),
  );

  it.effect("fails if a key is in two folds", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 60 }, (_, i) =>
        rowAt(i % 30, { x: i < 30 ? 0 : i, who: "p", ill: true, at: new Date(0) }),
      );
      const error = yield* Effect.flip(
        Split.kFold(Scan).run({ data: yield* tableOf(Scan, "train", rows) }),
      );
      assert.match(
        error.message,
        /keys \(by id\) are in two parts, such as row \d+ of fold \d and row/,
      );
    }).pipe(withTables),
  );

  it.effect("is a list that a stage is run for, each item checked by contract and split", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 30 }, (_, id) => rowAt(id));
      const folds = yield* Split.kFold(Scan, { folds: 3 }).run({
        data: yield* tableOf(Scan, "train", rows),
      });
      const count = Stage.make("count", {
        input: { fold: Split.foldOf(Scan) },
        output: Schema.Int,
        run: ({ fold }) => Effect.succeed(fold.train.rows),
      });
      const [first, second] = folds;
      if (first === undefined || second === undefined) return assert.fail();
      assert.strictEqual(yield* count.run({ fold: first }), 20);
      const mixed = { ...first, validation: second.validation };
      assert.match(
        (yield* Effect.flip(count.run({ fold: mixed }))).message,
        /a fold of rows under contract scan 1, train and validation of one split/,
      );
      const swapped = { ...first, train: { ...first.validation, role: "test" } };
      assert.match(
        (yield* Effect.flip(count.run({ fold: swapped as never }))).message,
        /a fold of rows/,
      );
    }).pipe(withTables),
  );
});

describe("Split.rollingOrigin", () => {
  const rows = Array.from({ length: 60 }, (_, id) => rowAt(id));
  const options = { first: "2001-01-21", folds: 3, horizon: "7 days" } as const;
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  it.effect("trains on what came before each period, less the embargo", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(DatedScan, "train", rows);
      const run = (change: Partial<Split.RollingOriginOptions> = {}) =>
        Split.rollingOrigin(DatedScan, { ...options, ...change })
          .run({ data })
          .pipe(Effect.flatMap(read));
      assert.deepStrictEqual(yield* run(), [
        { train: range(0, 20), validation: range(20, 27) },
        { train: range(0, 27), validation: range(27, 34) },
        { train: range(0, 34), validation: range(34, 41) },
      ]);
      assert.deepStrictEqual(yield* run({ embargo: "2 days", folds: 2, step: "10 days" }), [
        { train: range(0, 18), validation: range(20, 27) },
        { train: range(0, 28), validation: range(30, 37) },
      ]);
      // Steps shorter than the horizon: a row is validated on more than once.
      assert.deepStrictEqual(yield* run({ window: "10 days", embargo: "1 day", step: "3 days" }), [
        { train: range(10, 19), validation: range(20, 27) },
        { train: range(13, 22), validation: range(23, 30) },
        { train: range(16, 25), validation: range(26, 33) },
      ]);
    }).pipe(withTables),
  );

  it.effect("shows the periods, and how many rows are in none", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(DatedScan, "checked", [...rows, rowAt(60, { at: null })]);
      const { exhibits, findings } = yield* told(
        Split.rollingOrigin(DatedScan, { ...options, folds: 1, embargo: "1 day" }).run({ data }),
      );
      assert.deepStrictEqual(exhibits, [
        {
          _tag: "table",
          title: "Folds by rolling origin",
          caption: "35 rows are in no fold",
          columns: ["fold", "trains from", "to", "rows", "validates from", "to", "rows"],
          rows: [
            [1, "the start", "2001-01-20 00:00", 19, "2001-01-21 00:00", "2001-01-28 00:00", 7],
          ],
        },
      ]);
      assert.deepStrictEqual(
        findings.map(({ check, rows }) => [check, rows]),
        [["split.time-known", 1]],
      );
    }).pipe(withTables),
  );

  it.effect("names a part of a fold without rows", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(DatedScan, "train", rows);
      const late = Split.rollingOrigin(DatedScan, { ...options, folds: 9 });
      assert.strictEqual(
        (yield* Effect.flip(late.run({ data }))).message,
        "the fold 7 validation part of the split has no rows: none has its at from 2001-03-04 00:00 to 2001-03-11 00:00. Move the first origin, ask for fewer folds, or ingest data of that period.",
      );
      const early = Split.rollingOrigin(DatedScan, { ...options, first: "2001-01-01" });
      assert.match(
        (yield* Effect.flip(early.run({ data }))).message,
        /^the fold 1 train part .* from the start to 2001-01-01/,
      );
    }).pipe(withTables),
  );

  it("refuses lengths that are none, where they are written", () => {
    const wrong = (change: Partial<Split.RollingOriginOptions>) => () =>
      Split.rollingOrigin(DatedScan, { ...options, ...change });
    assert.throws(wrong({ first: "soon" }), '"soon" is not a date');
    assert.throws(wrong({ folds: 0 }), "0 is not a whole number of folds");
    assert.throws(wrong({ horizon: 0 }), "the horizon must be above 0");
    assert.throws(wrong({ step: 0 }), "the step must be above 0");
    assert.throws(wrong({ window: "1 day", embargo: "1 day" }), "longer than the embargo");
  });
});
