/** Every kind of check: it passes on good data, fails on bad, names the rows, and never passes unrun. */
import { assert, describe, it } from "@effect/vitest";
import { type Check, Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import {
  asOf,
  columns,
  countries,
  Country,
  everyKind,
  table,
  Thing,
} from "../test-fixtures/everyKind.ts";
import { services, temporaryFolder, values, writeParquet } from "../test-fixtures/tables.ts";
import { examine } from "./internal/examine.ts";
import { kinds } from "./internal/kinds/kinds.ts";

const provided = Effect.provide(services());

/** Runs checks on the rows of a query, in the order in which they are given. */
const outcomesOf = Effect.fnUntraced(function* (
  query: string,
  checks: ReadonlyArray<Check.CheckSpec>,
) {
  const folder = yield* temporaryFolder;
  const file = `${folder}/things.parquet`;
  yield* writeParquet(file, query);
  const named = checks.map((spec, index) => ({ ...spec, name: `${index}` }));
  const others = new Map([["country", { contract: Country, relation: countries }]]);
  const request = { contract: Thing, checks: named, others, uniqueRows: false, asOf };
  const { results, passes } = yield* examine(file, request);
  const byName = new Map(results.map(({ check, judged }) => [check.name, judged]));
  return { passes, judged: named.map(({ name }) => byName.get(name)) };
});

const passing = everyKind.map(([passes]) => passes.spec);
const kindOf = ({ kind, columns }: Check.CheckSpec) => `${kind} of ${columns.join(", ")}`;

describe("every kind of check", () => {
  it("is in the list", () => {
    const listed = new Set(passing.map(({ kind }) => kind));
    // A formula is made by the stage, from functions: see Validate.test.ts.
    assert.deepStrictEqual(
      [...kinds.keys()].filter((kind) => !listed.has(kind)),
      ["formula"],
    );
    assert.isAtLeast(listed.size, 75);
  });

  it.effect("passes on good data", () =>
    Effect.gen(function* () {
      const { judged } = yield* outcomesOf(table, passing);
      const wrong = judged.flatMap((one, index) =>
        one?.outcome === "passed" ? [] : [[kindOf(passing[index]!), one?.found]],
      );
      assert.deepStrictEqual(wrong, []);
    }).pipe(provided),
  );

  it.effect("fails on bad data, and names the rows", () =>
    Effect.gen(function* () {
      const failing = everyKind.map(([, fails]) => fails.spec);
      const odd = `SELECT y, * EXCLUDE (y), 1 AS other FROM (${table})`;
      const { judged, passes } = yield* outcomesOf(odd, failing);
      const wrong = everyKind.flatMap(([, { spec }, rows], index) => {
        const one = judged[index];
        return one?.outcome === "failed" && String(one.sample) === String(rows)
          ? []
          : [[kindOf(spec), one?.outcome, one?.found, one?.sample, rows]];
      });
      assert.deepStrictEqual(wrong, []);
      assert.isBelow(passes, 40);
    }).pipe(provided),
  );
});

describe("a wide table", () => {
  it.effect("is asked in several queries, with every answer in its place", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 60 }, (_, index) => `c${index}`);
      const contract = Contract.make("wide", {
        version: "1",
        owner: "lab",
        columns: Object.fromEntries(names.map((name) => [name, Column.float()])),
      });
      const checks = names.flatMap((name, index) => {
        const mean = { kind: "mean", columns: [name], severity: "fail" } as const;
        return [
          { ...mean, name: `${name} right`, args: { atLeast: index, atMost: index } },
          { ...mean, name: `${name} wrong`, args: { atMost: index - 1 } },
        ];
      });
      const folder = yield* temporaryFolder;
      const file = `${folder}/wide.parquet`;
      const cells = names.map((name, index) => `${index}::DOUBLE AS ${name}`).join(", ");
      yield* writeParquet(file, `SELECT ${cells} FROM range(3)`);
      const request = { contract, checks, others: new Map(), uniqueRows: false, asOf };
      const { results, passes } = yield* examine(file, request);
      const strange = results.filter(
        ({ check, judged }) =>
          judged.outcome !== (check.name.endsWith(" wrong") ? "failed" : "passed"),
      );
      assert.deepStrictEqual(strange, []);
      assert.strictEqual(passes, 1);
    }).pipe(provided),
  );
});

/** Limits that zero rows keep are kept by them; a schema is one without rows too. */
const ofNoRow = new Set(["row-count", "column-count", "no-other-columns", "column-order"]);
/** Their subject is the nulls. */
const ofNulls = new Set([
  "not-null",
  "null",
  "null-share",
  "null-count",
  "any-present",
  "one-present",
  "all-or-none-present",
  "duplicate-share",
  "sql",
  "aggregate",
]);

describe("nothing passes that did not run", () => {
  /** The checks that pass although they should not be able to. */
  const passed = Effect.fnUntraced(function* (query: string, allowed: ReadonlySet<string>) {
    const specs = passing.map(({ where: _, ...spec }) => spec);
    const { judged } = yield* outcomesOf(query, specs);
    assert.strictEqual(judged.length, specs.length);
    return specs.flatMap((spec, index) =>
      judged[index]?.outcome === "passed" && !ofNoRow.has(spec.kind) && !allowed.has(spec.kind)
        ? [kindOf(spec)]
        : [],
    );
  });
  const none = new Set<string>();

  it.effect("on an empty table", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passed(`${table} LIMIT 0`, none), []);
    }).pipe(provided),
  );

  it.effect("on columns of nulls", () =>
    Effect.gen(function* () {
      const nulls = values(
        columns,
        `(${columns
          .split(", ")
          .map(() => "NULL")
          .join(", ")})`,
      );
      assert.deepStrictEqual(yield* passed(`${nulls} UNION ALL ${nulls}`, ofNulls), []);
    }).pipe(provided),
  );

  for (const strange of ["NaN", "inf", "-inf"]) {
    it.effect(`on numbers that are ${strange}`, () =>
      Effect.gen(function* () {
        const query = `SELECT * REPLACE ('${strange}'::DOUBLE AS x, '${strange}'::DOUBLE AS y) FROM (${table})`;
        const all = yield* passed(query, none);
        assert.deepStrictEqual(
          all.filter((check) => /of .*\b[xy]\b/.test(check)),
          [],
        );
      }).pipe(provided),
    );
  }

  it.effect("on columns that are missing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passed("SELECT 1 AS other", none), []);
    }).pipe(provided),
  );

  it.effect("on columns of another type", () =>
    Effect.gen(function* () {
      const names = columns.split(", ").map((column) => column.split(" ")[0]);
      const lists = `SELECT ${names.map((name) => `[1] AS ${name}`).join(", ")} FROM range(3)`;
      assert.deepStrictEqual(yield* passed(lists, none), []);
    }).pipe(provided),
  );
});
