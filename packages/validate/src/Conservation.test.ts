/** Whatever the table: every row is either checked or set aside, and the bytes are always the same. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as fc from "fast-check";
import * as Effect from "effect/Effect";
import { rawOf, reasonsOf, rowsOf, services, telling, values } from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const Thing = Contract.make("thing", {
  version: "1",
  owner: "lab",
  columns: {
    at: Column.timestamp({ nullable: true }),
    n: Column.int({ min: 0, max: 3 }),
    x: Column.float({ nullable: true }),
    s: Column.string({ pattern: "[ab]+", nullable: true }),
  },
});

interface Cells {
  readonly at: string | null;
  readonly n: number | null;
  readonly x: string | null;
  readonly s: string | null;
}

const cells: fc.Arbitrary<Cells> = fc.record({
  at: fc.constantFrom("2001-01-01", "2001-01-02 03:04:05", null),
  n: fc.option(fc.integer({ min: -1, max: 4 })),
  x: fc.constantFrom("0", "-0", "1.5", "NaN", "inf", null),
  s: fc.constantFrom("a", "ab", "c", "'", "", null),
});

const sql = (value: string | number | null): string =>
  value === null ? "NULL" : `'${String(value).replaceAll("'", "''")}'`;
const rowSql = ({ at, n, x, s }: Cells): string => `(${[at, n, x, s].map(sql).join(", ")})`;

/** What a reader of the contract would say of a row, without SQL. */
const reasonsByHand = ({ n, x, s }: Cells): ReadonlyArray<string> => [
  ...(n === null ? ["n.not-null"] : n < 0 || n > 3 ? ["n.range"] : []),
  ...(x === "NaN" || x === "inf" ? ["x.finite"] : []),
  ...(s !== null && !/^[ab]+$/.test(s) ? ["s.pattern"] : []),
];
const identity = ({ at, n, x, s }: Cells): string =>
  JSON.stringify([at, n, x === "-0" ? "0" : x, s]);

describe("validation", () => {
  it.effect(
    "keeps every row: checked or quarantined, with all reasons",
    () =>
      Effect.gen(function* () {
        const context = yield* Effect.context<Effect.Services<ReturnType<typeof examine>>>();
        const property = fc.asyncProperty(
          fc.array(cells, { minLength: 1, maxLength: 12 }),
          (rows) => Effect.runPromiseWith(context)(Effect.scoped(examine(rows))),
        );
        yield* Effect.promise(() => fc.assert(property, { numRuns: 25 }));
      }).pipe(Effect.provide(services(1))),
    60_000,
  );

  it.effect(
    "writes the same bytes, also on another number of threads",
    () =>
      Effect.gen(function* () {
        const digests = (threads: number) =>
          Effect.gen(function* () {
            const query = `SELECT TIMESTAMP '2001-01-01' + to_minutes(CAST(hash(i) % 1000 AS BIGINT)) AS at, CAST(hash(i) % 5 AS INTEGER) AS n, (hash(i) % 77) / 7.0 AS x, CASE hash(i) % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'ba' END AS s FROM range(300000) t(i)`;
            const data = yield* rawOf(Thing, query);
            const validate = Validate.table(Thing, { quarantine: { atMost: 0.99 } });
            const { checked, quarantine } = yield* validate.run({ data });
            return [checked, quarantine].map(Table.digestOf);
          }).pipe(Effect.provide(services(threads)), Effect.scoped);
        const once = yield* digests(1);
        assert.deepStrictEqual(yield* digests(1), once);
        assert.deepStrictEqual(yield* digests(4), once);
      }),
    60_000,
  );
});

const examine = Effect.fnUntraced(function* (rows: ReadonlyArray<Cells>) {
  const data = yield* rawOf(
    Thing,
    values("at TIMESTAMP, n INTEGER, x DOUBLE, s VARCHAR", ...rows.map(rowSql)),
  );
  const firsts = new Map<string, number>();
  const expected = rows.flatMap(
    (row, index): ReadonlyArray<readonly [number, ReadonlyArray<string>]> => {
      const first = firsts.get(identity(row));
      if (first === undefined) firsts.set(identity(row), index);
      const reasons = [
        ...reasonsByHand(row),
        ...(first === undefined ? [] : [`rows.unique: duplicate of row ${first}`]),
      ];
      return reasons.length === 0 ? [] : [[index, reasons]];
    },
  );

  const validate = Validate.table(Thing, { quarantine: { atMost: 1 } });
  const { value, error } = yield* telling(validate.run({ data }));
  if (expected.length === rows.length) {
    assert.strictEqual(error?._tag, "ContractBroken");
    return;
  }
  if (value === undefined) return yield* Effect.die(error);
  const found = yield* reasonsOf(value.quarantine);
  const short = found.map(([row, reasons]) => [
    row,
    Array.isArray(reasons)
      ? reasons.map((reason) =>
          String(reason).startsWith("rows.unique") ? reason : String(reason).split(":")[0],
        )
      : reasons,
  ]);
  assert.deepStrictEqual<unknown>(short, expected);
  const aside = new Set(expected.map(([row]) => row));
  const kept = rows.filter((_, index) => !aside.has(index));
  const identities = (yield* rowsOf(value.checked)).map(({ at, n, x, s }) =>
    [at, n, Number(x), s].join(),
  );
  assert.strictEqual(identities.length, kept.length);
  assert.deepStrictEqual(
    identities.toSorted(),
    kept
      .map(({ at, n, x, s }) =>
        [at === null ? null : at.padEnd(19, " 00:00:00"), n, Number(x), s].join(),
      )
      .toSorted(),
  );
});
