import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import fixture from "../test-fixtures/profile.json" with { type: "json" };
import { close, fails, value } from "../test-fixtures/statistics.ts";
import { sqlOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb, literal } from "./Duckdb.ts";
import * as Profile from "./Profile.ts";

type Row = ReadonlyArray<unknown>;

const relationOf = (columns: string, rows: ReadonlyArray<Row>): string => {
  const names = columns.split(",").map((column) => column.trim().split(" ")[0]);
  const types = columns.split(",").map((column) => column.trim().split(" ")[1]);
  const cells = (row: Row) =>
    `(${row.map((cell, at) => `CAST(${sqlOf(cell)} AS ${types[at]})`).join(", ")})`;
  const filler = names.map(() => null);
  const listed = (rows.length === 0 ? [filler] : rows).map(cells).join(", ");
  return `(SELECT * FROM (VALUES ${listed}) v(${names.join(", ")})${rows.length === 0 ? " LIMIT 0" : ""})`;
};

const columnOf = (sqlType: string, values: ReadonlyArray<unknown>) =>
  Effect.map(
    Profile.of(
      relationOf(
        `x ${sqlType}`,
        values.map((each) => [each]),
      ),
    ),
    ({ columns }) => columns["x"]!,
  );

describe("against NumPy and SciPy", () => {
  for (const known of fixture.listed) {
    it.effect(`values that are few enough to be listed: ${known.name}`, () =>
      Effect.gen(function* () {
        const whole = known.values.every(Number.isInteger);
        const column = yield* columnOf(whole ? "BIGINT" : "DOUBLE", known.values);
        assert.strictEqual(Profile.quantileError(column), 0);
        close(Profile.mean(column)!, known.mean);
        close(Profile.standardDeviation(column)!, known.standardDeviation);
        const { skewness, kurtosis } = Profile.shape(column)!;
        close(skewness, known.skewness, 1e-9);
        close(kurtosis, known.kurtosis, 1e-9);
        const count = known.distinct;
        assert.deepStrictEqual(Profile.distinct(column), { count, exact: true, standardError: 0 });
        for (const { p, value: expected } of known.quantiles)
          assert.strictEqual(value(Profile.quantile(column, p)), expected);
        assert.deepStrictEqual([...Profile.histogramOn(column, known.edges)], known.histogram);
      }).pipe(withTables),
    );
  }

  for (const known of fixture.formulas) {
    it.effect(`sketches of ten thousand values: ${known.name}`, () =>
      Effect.gen(function* () {
        const { columns } = yield* Profile.of(
          `(SELECT ${known.sql} AS x FROM (SELECT (i * 7919 % 10007)::DOUBLE / 10007 AS u FROM range(10007) r(i)))`,
        );
        const column = columns["x"]!;
        assert.isNull(column.values);
        close(Profile.mean(column)! / known.mean, 1, 1e-12);
        close(Profile.standardDeviation(column)! / known.standardDeviation, 1, 1e-6);
        const { skewness, kurtosis } = Profile.shape(column)!;
        close(skewness, known.skewness, 1e-2);
        close(kurtosis, known.kurtosis, 1e-2);
        const error = Profile.quantileError(column);
        assert.isBelow(error, 0.03);
        for (const { p, value: expected } of known.quantiles) {
          const found = value(Profile.quantile(column, p));
          assert.isAtMost(Math.abs(found - expected), error * Math.abs(expected) * (1 + 1e-9));
        }
        const distinct = Profile.distinct(column)!;
        assert.closeTo(distinct.count / known.distinct, 1, 3 * distinct.standardError);
        close(column.number!.min!, known.quantiles[0]!.value);
        close(column.number!.max!, known.quantiles.at(-1)!.value);
        // Off by the rows of the bucket that holds an edge, at most.
        const spans = Profile.spans(column);
        const counts = Profile.histogramOn(column, known.edges);
        const near = known.edges.reduce(
          (sum, edge) =>
            sum + (spans.find(({ lower, upper }) => lower <= edge && edge < upper)?.rows ?? 0),
          0,
        );
        counts.forEach((rows, bin) => assert.closeTo(rows, known.histogram[bin]!, near + 1e-6));
      }).pipe(withTables),
    );
  }
});

const cells = fc.record({
  n: fc.option(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -1e9, max: 1e9 }))),
  x: fc.option(
    fc.oneof(
      fc.constantFrom("0", "-0", "NaN", "inf", "-inf", "1", "-1"),
      fc.double({ noNaN: true, min: -1e12, max: 1e12 }).map(String),
    ),
  ),
  s: fc.option(fc.constantFrom("a", "b", "", "it's", "ä")),
  b: fc.option(fc.boolean()),
  t: fc.option(
    fc.oneof(
      fc.constantFrom("infinity", "1969-12-31 23:00:00"),
      fc.constant("2001-01-02 03:04:05"),
    ),
  ),
});
const types = "n BIGINT, x DOUBLE, s VARCHAR, b BOOLEAN, t TIMESTAMP";
const tableOf = (rows: ReadonlyArray<typeof cells extends fc.Arbitrary<infer A> ? A : never>) =>
  relationOf(
    types,
    rows.map(({ n, x, s, b, t }) => [n, x, s, b, t]),
  );

/** A profile without the moments, which are rounded. */
const counted = (profile: Profile.Profile) => ({
  ...profile,
  columns: Object.fromEntries(
    Object.entries(profile.columns).map(([name, column]) => [
      name,
      column.number === undefined
        ? column
        : { ...column, number: { ...column.number, moments: null } },
    ]),
  ),
});

const momentsAgree = (a: Profile.Profile, b: Profile.Profile) => {
  for (const name of ["n", "x"]) {
    const [left, right] = [a.columns[name]!.number!.moments!, b.columns[name]!.number!.moments!];
    const scale = Math.max(
      1,
      Math.abs(a.columns[name]!.number!.max ?? 0),
      Math.abs(a.columns[name]!.number!.min ?? 0),
    );
    assert.strictEqual(left.count, right.count);
    assert.closeTo(left.mean / scale, right.mean / scale, 1e-9);
    assert.closeTo(left.m2 / scale ** 2, right.m2 / scale ** 2, 1e-6 * Math.max(1, left.count));
  }
};

describe("profiles merge", () => {
  it.effect(
    "the parts together are the whole, in any order",
    () =>
      Effect.gen(function* () {
        const context = yield* Effect.context<Duckdb>();
        const run = Effect.runPromiseWith(context);
        const law = fc.asyncProperty(
          fc.array(cells, { maxLength: 12 }),
          fc.array(cells, { maxLength: 12 }),
          fc.array(cells, { maxLength: 12 }),
          async (first, second, third) => {
            const [a, b, c, whole] = await run(
              Effect.all(
                [first, second, third, [...first, ...second, ...third]].map((rows) =>
                  Profile.of(tableOf(rows)),
                ),
              ),
            );
            const merge = (left: Profile.Profile, right: Profile.Profile) =>
              Result.getOrThrow(Profile.merge(left, right));
            assert.deepStrictEqual(merge(a!, b!), merge(b!, a!));
            const together = merge(merge(a!, b!), c!);
            assert.deepStrictEqual(counted(together), counted(merge(a!, merge(b!, c!))));
            assert.deepStrictEqual(counted(together), counted(whole!));
            momentsAgree(together, whole!);
          },
        );
        yield* Effect.promise(() => fc.assert(law, { numRuns: 15 }));
      }).pipe(withTables),
    60_000,
  );

  it.effect("also where buckets are joined and values are too many to list", () =>
    Effect.gen(function* () {
      const part = (where: string) =>
        `(SELECT exp((hash(i) % 2000000) / 20000.0 - 50) * (CASE WHEN i % 3 = 0 THEN -1 ELSE 1 END) AS x, i AS n, 'v' || (i % 1500) AS s, TIMESTAMP '1900-01-01' + to_days(CAST(i AS INTEGER)) AS t FROM range(6000) r(i) WHERE ${where})`;
      const whole = yield* Profile.of(part("true"));
      const halves = yield* Effect.all(
        ["i < 900", "i >= 900"].map((where) => Profile.of(part(where))),
      );
      const merged = Result.getOrThrow(Profile.mergeAll(halves))!;
      assert.deepStrictEqual(counted(merged), counted(whole));
      const { x, n, s, t } = whole.columns;
      assert.isAbove(x!.number!.magnitudes.level, 0);
      assert.isNull(n!.values);
      assert.isNull(s!.values);
      assert.isNotNull(halves[0]!.columns["s"]!.values);
      assert.isAbove(t!.instant!.days.level, 0);
      for (const [column, truth] of [
        [n!, 6000],
        [s!, 1500],
        [x!, 6000],
      ] as const) {
        const found = Profile.distinct(column)!;
        assert.isFalse(found.exact);
        assert.closeTo(found.count / truth, 1, 3 * found.standardError);
      }
      close(Profile.mean(n!)!, 2999.5, 1e-9);
    }).pipe(withTables),
  );

  it.effect("not of different columns: every difference is named", () =>
    Effect.gen(function* () {
      const a = yield* Profile.of("(SELECT 1 AS x, 'a' AS s)");
      const b = yield* Profile.of("(SELECT 1.5::DOUBLE AS x, 2 AS y)");
      const merged = Profile.merge(a, b);
      assert.isTrue(Result.isFailure(merged));
      if (Result.isFailure(merged)) {
        assert.include(merged.failure.message, '"x" is int and float');
        assert.include(merged.failure.message, '"s" is in one only');
        assert.include(merged.failure.message, '"y" is in one only');
      }
    }).pipe(withTables),
  );
});

describe("a profile", () => {
  it.effect("counts what is no number apart", () =>
    Effect.gen(function* () {
      const column = yield* columnOf(
        "DOUBLE",
        ["NaN", "inf", "-inf", null, "2", "-0", "0"].map((x) => x),
      );
      assert.deepInclude(column, { nulls: 1, present: 6 });
      assert.deepInclude(column.number, {
        nan: 1,
        plusInfinity: 1,
        minusInfinity: 1,
        min: 0,
        max: 2,
      });
      assert.strictEqual(column.number?.magnitudes.zeros, 2);
      close(Profile.mean(column)!, 2 / 3);
      assert.strictEqual(Profile.nullShare(column), 1 / 7);
      assert.strictEqual(Profile.distinct(column)?.count, 2);
    }).pipe(withTables),
  );

  it.effect("of nothing says nothing", () =>
    Effect.gen(function* () {
      for (const rows of [[], [[null, null, null, null, null]]]) {
        const profile = yield* Profile.of(relationOf(types, rows));
        for (const column of Object.values(profile.columns)) {
          assert.isUndefined(Profile.mean(column));
          assert.isUndefined(Profile.standardDeviation(column));
          assert.strictEqual(Profile.distinct(column)?.count, 0);
          fails(Profile.quantile(column, 0.5), "empty");
        }
        assert.strictEqual(profile.rows, rows.length);
      }
      const one = yield* columnOf("DOUBLE", [3]);
      fails(Profile.quantile(one, 1.5), "outOfRange");
      assert.isUndefined(Profile.shape(one));
    }).pipe(withTables),
  );

  it.effect("of text, instants and booleans", () =>
    Effect.gen(function* () {
      const text = yield* columnOf("VARCHAR", ["b", "", "äö", "b", null]);
      assert.deepStrictEqual(text.text, { empty: 1, shortest: 0, longest: 2, characters: 4 });
      assert.deepStrictEqual(Profile.frequent(text, 1), [{ value: "b", rows: 2 }]);
      const time = yield* columnOf("TIMESTAMP", [
        "2001-01-01 12:00:00",
        "2001-01-03",
        "1969-12-31",
        "infinity",
      ]);
      assert.strictEqual(time.instant?.infinite, 1);
      assert.strictEqual(time.instant?.max, Date.UTC(2001, 0, 3));
      assert.deepStrictEqual(time.instant?.days.cells, {
        index: [-1, 11323, 11325],
        counts: [1, 1, 1],
      });
      assert.strictEqual(value(Profile.quantile(time, 0.5)), Date.UTC(2001, 0, 1, 12));
      const flag = yield* columnOf("BOOLEAN", [true, false, true, null]);
      close(Profile.mean(flag)!, 2 / 3);
      assert.strictEqual(Profile.distinct(flag)?.count, 2);
    }).pipe(withTables),
  );

  it.effect("profiles the lengths of lists, the norms of vectors and the fields of structs", () =>
    Effect.gen(function* () {
      const { columns, partOf, unsupported } = yield* Profile.of(
        `(SELECT * FROM (VALUES
          (['a', NULL], [3, 4]::FLOAT[2], {'city': 'Ulm', 'at': [1]}),
          ([]::VARCHAR[], [NULL, 'nan']::FLOAT[2], {'city': NULL, 'at': NULL}),
          (NULL, NULL, NULL)) t(tags, vector, maker))`,
      );
      assert.deepStrictEqual(partOf, {
        "tags.length": "tags",
        "vector.length": "vector",
        "vector.norm": "vector",
        "maker.city": "maker",
      });
      assert.deepStrictEqual(unsupported, [{ column: "maker.at", sqlType: "INTEGER[]" }]);
      const { "tags.length": length, "vector.norm": norm, "maker.city": city } = columns;
      assert.deepStrictEqual([length?.nulls, length?.present], [1, 2]);
      close(Profile.mean(length!)!, 1);
      assert.deepStrictEqual([norm?.nulls, norm?.number?.nan], [1, 1]);
      close(Profile.mean(norm!)!, 5);
      assert.deepStrictEqual([city?.nulls, city?.present], [2, 1]);
      const merged = Result.getOrThrow(
        Profile.merge(
          { rows: 3, columns, partOf: partOf!, unsupported },
          { rows: 3, columns, partOf: partOf!, unsupported },
        ),
      );
      assert.deepStrictEqual(merged.partOf, partOf);
    }).pipe(withTables),
  );

  it.effect("takes what it cannot profile by name, and numbers of every size", () =>
    Effect.gen(function* () {
      const { columns, unsupported } = yield* Profile.of(
        '(SELECT MAP {1: 2} AS map, 18446744073709551615::UBIGINT AS big, 1.25::DECIMAL(9, 2) AS d, 1e308::DOUBLE AS huge, 5e-324::DOUBLE AS tiny, uuid() AS u, 9223372036854775807::BIGINT AS long, \'x\' || repeat(\'y\', 300) AS "a ""b""")',
      );
      assert.deepStrictEqual(unsupported, [{ column: "map", sqlType: "MAP(INTEGER, INTEGER)" }]);
      assert.strictEqual(Profile.mean(columns["d"]!), 1.25);
      close(Profile.mean(columns["huge"]!)! / 1e308, 1);
      close(Profile.mean(columns["big"]!)! / 2 ** 64, 1);
      assert.strictEqual(columns["u"]?.type, "string");
      assert.isNull(columns["long"]!.values);
      assert.isNull(columns['a "b"']!.values);
      assert.strictEqual(columns["tiny"]?.number?.min, 5e-324);
    }).pipe(withTables),
  );

  it.effect("is the same to the byte on any number of threads, and comes back from its file", () =>
    Effect.gen(function* () {
      const relation = `(SELECT sin(i) * 1000 AS x, hash(i) % 5000 AS n, ${literal("é")} || i % 7 AS s FROM range(130000) r(i))`;
      const on = (threads: number) =>
        Effect.map(Profile.of(relation), (profile) => JSON.stringify(profile)).pipe(
          Effect.provide(Duckdb.layer({ threads })),
        );
      const once = yield* on(1);
      assert.strictEqual(yield* on(4), once);
      const profile = yield* Profile.of(relation);
      const digest = `sha256-${"0".repeat(64)}` as const;
      const contract = { name: "thing", version: "1", digest };
      const stored = yield* Profile.store(profile, { contract, table: digest });
      assert.deepStrictEqual(yield* Profile.load(stored), profile);
      assert.isTrue(Schema.is(Profile.Stored)(stored));
    }).pipe(withTables),
  );
});
