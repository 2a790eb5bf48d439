import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Drift, type DriftReport, Profile, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { services, telling } from "../test-fixtures/tables.ts";
import * as Compare from "./Compare.ts";

const provided = Effect.provide(services());

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: {
    at: Column.timestamp(),
    km: Column.float({ unit: "km", nullable: true }),
    city: Column.string(),
    empty: Column.float({ nullable: true }),
  },
});

const rows = (count: number, shift: number, extra: string) =>
  `SELECT TIMESTAMP '2001-01-01' + to_hours(CAST(i AS INTEGER)) AS at, sin(i * 1.7) * 10 + ${shift} AS km,
    CASE WHEN i % 9 = 0 THEN ${extra} ELSE 'bonn' END AS city, NULL::DOUBLE AS empty
  FROM range(${count}) r(i) ORDER BY ALL`;

const two = (now: string) =>
  Effect.all({
    reference: Table.write(Trip, "train", { query: rows(3000, 0, "'kiel'") }),
    current: Table.write(Trip, "live", { query: now }),
  });

const by = ({ columns }: DriftReport.DriftReport) =>
  Object.fromEntries(columns.map((column) => [column.column, column]));

const roles = { reference: "train", current: "live", columns: { at: false } } as const;

describe("two tables", () => {
  it.effect("that are alike pass; a column of nulls could not be compared", () =>
    Effect.gen(function* () {
      const compare = Compare.tables(Trip, roles);
      const { told, value } = yield* telling(compare.run(yield* two(rows(2500, 0, "'kiel'"))));
      const found = by(value!);
      assert.deepStrictEqual(
        Object.values(found).map(({ column, outcome }) => [column, outcome]),
        [
          ["km", "passed"],
          ["city", "passed"],
          ["empty", "could not run"],
        ],
      );
      assert.deepStrictEqual(
        told.findings.map(({ check, severity, owner }) => [check, severity, owner]),
        [["empty.drift", "warn", "fleet"]],
      );
      assert.deepStrictEqual(
        told.exhibits.map(({ title }) => title),
        ["Drift by column", "Distributions, before and now", "Drift"],
      );
    }).pipe(provided),
  );

  it.effect("that differ: a finding with the limit, and with severity fail the run stops", () =>
    Effect.gen(function* () {
      const input = yield* two(rows(2500, 9, "'köln'"));
      const compare = Compare.tables(Trip, { ...roles, method: "psi", atMost: 0.2 });
      const { told, value } = yield* telling(compare.run(input));
      assert.strictEqual(by(value!)["km"]?.outcome, "failed");
      const km = told.findings.find(({ check }) => check === "km.drift");
      assert.deepInclude(km, {
        severity: "warn",
        expected: "a distance (psi) of at most 0.2 from the reference",
      });
      const city = told.findings.find(({ check }) => check === "city.drift");
      assert.include(city?.found ?? "", "1 new value");
      const strict = Compare.tables(Trip, { ...roles, severity: "fail" });
      const { error } = yield* telling(strict.run(input));
      assert.strictEqual(error?._tag, "Drifted");
      assert.include(error?.message ?? "", '2 columns under the contract "trip" drifted');
      assert.include(error?.message ?? "", "Ask fleet");
    }).pipe(provided),
  );

  it.effect("the exact statistic is that of the rows", () =>
    Effect.gen(function* () {
      const input = yield* two(rows(2500, 1, "'kiel'"));
      const options = { ...roles, method: "ks", exactKs: true } as const;
      const { value } = yield* telling(Compare.tables(Trip, options).run(input));
      const sample = (count: number, shift: number) =>
        Float64Array.from({ length: count }, (_, i) => Math.sin(i * 1.7) * 10 + shift).toSorted();
      const exact = Result.getOrThrow(Drift.ksSorted(sample(3000, 0), sample(2500, 1)));
      const { ks, distance } = by(value!)["km"]!;
      assert.closeTo(ks!.lower, exact, 1e-12);
      assert.strictEqual(ks!.lower, ks!.upper);
      assert.strictEqual(distance, ks!.lower);
      // Categories have no order.
      assert.strictEqual(by(value!)["city"]?.outcome, "could not run");
    }).pipe(provided),
  );

  it.effect("stored profiles compare as their tables do", () =>
    Effect.gen(function* () {
      const { reference, current } = yield* two(rows(2500, 9, "'kiel'"));
      const stored = (table: Table.AnyTable) =>
        Effect.gen(function* () {
          const profile = yield* Profile.of(yield* Table.relation(table));
          const about = { contract: table.contract, table: Table.digestOf(table) };
          return yield* Profile.store(profile, about);
        });
      const input = { reference: yield* stored(reference), current: yield* stored(current) };
      const ofTables = yield* telling(Compare.tables(Trip, roles).run({ reference, current }));
      const ofProfiles = yield* telling(
        Compare.profiles(Trip, { columns: { at: false } }).run(input),
      );
      assert.deepStrictEqual(ofProfiles.value, ofTables.value);
    }).pipe(provided),
  );

  it("refuses limits and columns that cannot be", () => {
    assert.throws(() => Compare.profiles(Trip, { atMost: 0 }), /positive distance, not 0/);
    const columns = JSON.parse('{ "miles": false }');
    assert.throws(() => Compare.profiles(Trip, { columns }), /no column "miles"/);
  });
});

describe("columns of several values", () => {
  const Product = Contract.make("product", {
    version: "1",
    owner: "shop",
    columns: {
      tags: Column.list(Column.string()),
      vector: Column.embedding(2),
      maker: Column.struct({ city: Column.string() }),
    },
  });
  const products = (factor: number, tags: string) =>
    `SELECT ${tags} AS tags, [sin(i * 1.7) * ${factor}, cos(i * 1.7) * ${factor}] AS vector,
      {'city': CASE WHEN i % 2 = 0 THEN 'Ulm' ELSE 'Bonn' END} AS maker FROM range(1000) r(i)`;
  const both = (now: string) =>
    Effect.all({
      reference: Table.write(Product, "train", { query: products(1, "['a', 'b']") }),
      current: Table.write(Product, "live", { query: now }),
    });

  it.effect("drift by length, norm and field; what is not compared is not, with its parts", () =>
    Effect.gen(function* () {
      const tables = yield* both(products(3, "['a']"));
      const outcomes = Effect.fnUntraced(function* (
        options: Compare.CompareOptions<typeof Product>,
      ) {
        const stage = Compare.tables(Product, { reference: "train", current: "live", ...options });
        const { value } = yield* telling(stage.run(tables));
        return value!.columns.map(({ column, outcome }) => [column, outcome]);
      });
      assert.deepStrictEqual(yield* outcomes({ method: "ks", atMost: 0.2 }), [
        ["tags.length", "failed"],
        ["vector.length", "passed"],
        ["vector.norm", "failed"],
        ["maker.city", "could not run"],
      ]);
      assert.deepStrictEqual(yield* outcomes({ columns: { vector: false, tags: { atMost: 1 } } }), [
        ["tags.length", "passed"],
        ["maker.city", "passed"],
      ]);
    }).pipe(provided),
  );
});
