import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as fc from "fast-check";
import { relationOf, tableOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Split from "./Split.ts";
import * as Table from "./Table.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  eventTime: "at",
  columns: { id: Column.int(), at: Column.timestamp() },
});

const cuts = {
  validation: "2001-04-15",
  test: "2001-05-01T00:00:00Z",
  live: "2001-06-01",
} as const;
const roles = ["train", "validation", "test", "live"] as const;
const day = 86_400_000;
const cutTimes = [cuts.validation, cuts.test, cuts.live].map((text) => Date.parse(text));

const rowsAt = (...times: ReadonlyArray<string>) =>
  times.map((time, id) => ({ id, at: new Date(time) }));

const idsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const db = yield* Duckdb;
  const rows = yield* db.rows(
    "read",
    `SELECT CAST(id AS DOUBLE) AS id FROM ${yield* Table.relation(table)}`,
  );
  return rows.map(({ id }) => Number(id));
});

/** One row in each part. */
const one = ["2001-01-01", "2001-04-20", "2001-05-02", "2001-06-02"];

describe("Split.byTime", () => {
  it.effect("cuts half-open: an instant belongs to the period that it begins", () =>
    Effect.gen(function* () {
      const edges = cutTimes
        .flatMap((cut) => [cut - 1, cut])
        .map((ms) => new Date(ms).toISOString());
      const parts = yield* Split.byTime(Trip, cuts).run({
        data: yield* tableOf(Trip, "checked", rowsAt(...edges)),
      });
      const ids = yield* Effect.forEach(roles, (role) => idsOf(parts[role]));
      assert.deepStrictEqual(ids, [[0], [1, 2], [3, 4], [5]]);
      assert.deepStrictEqual(
        roles.map((role) => parts[role].role),
        [...roles],
      );
    }).pipe(withTables),
  );

  it.live("puts each row into one part, or into the embargo before a cut", () =>
    Effect.gen(function* () {
      const time = fc.oneof(
        fc
          .tuple(fc.constantFrom(...cutTimes), fc.integer({ min: -2 * day, max: 2 * day }))
          .map(([cut, beside]) => cut + beside),
        fc.integer({ min: Date.parse("1960-01-01"), max: Date.parse("2030-01-01") }),
      );
      const tables = fc.tuple(
        fc.array(time, { maxLength: 60 }),
        fc.constantFrom(0, 1, day, 1.5 * day),
      );
      for (const [times, embargo] of fc.sample(tables, { numRuns: 10, seed: 5 })) {
        const rows = rowsAt(...one, ...times.map((ms) => new Date(ms).toISOString()));
        const parts = yield* Split.byTime(Trip, { ...cuts, embargo }).run({
          data: yield* tableOf(Trip, "checked", rows),
        });
        const partOf = (at: number) => {
          if (cutTimes.some((cut) => at >= cut - embargo && at < cut)) return undefined;
          return roles[cutTimes.filter((cut) => at >= cut).length];
        };
        for (const role of roles) {
          const expected = rows
            .filter(({ at }) => partOf(at.getTime()) === role)
            .map(({ id }) => id);
          assert.deepStrictEqual(
            (yield* idsOf(parts[role])).toSorted((a, b) => a - b),
            expected,
          );
        }
      }
    }).pipe(withTables),
  );

  it.effect("names a part without rows, its period and what to do", () =>
    Effect.gen(function* () {
      const [, , , ...none] = one;
      const data = yield* tableOf(Trip, "checked", rowsAt(...one.slice(0, 3), ...none.slice(1)));
      const error = yield* Effect.flip(Split.byTime(Trip, cuts).run({ data }));
      assert.strictEqual(
        error.message,
        "the live part of the split has no rows: none has its at from 2001-06-01 00:00 to the end. Move the cut, or ingest data of that period.",
      );
      const empty = yield* tableOf(Trip, "checked", []);
      const all = yield* Effect.flip(Split.byTime(Trip, cuts).run({ data: empty }));
      assert.match(all.message, /^the train part .* from the start to 2001-04-15 00:00\./);
    }).pipe(withTables),
  );

  it("refuses cuts and embargos that are none, where they are written", () => {
    const split = (change: Partial<Parameters<typeof Split.byTime>[1]>) => () =>
      Split.byTime(Trip, { ...cuts, ...change });
    assert.throws(split({ test: "soon" }), /split: "soon" is not a date such as 2001-05-01/);
    assert.throws(split({ test: "2001-04-31" }), /is not a date/);
    // Its meaning would depend on the zone of the machine.
    assert.throws(split({ test: "2001-05-01T00:00" }), /an instant with a zone/);
    assert.throws(split({ test: "5/1/2001" }), /is not a date/);
    assert.throws(split({ test: "2001-04-15" }), /in the order validation, test, live/);
    assert.throws(split({ live: "2001-04-20" }), /in the order/);
    for (const embargo of [Infinity, -day, "-1 day", "20 days", "1 year"] as const) {
      const input: number = JSON.parse(JSON.stringify(embargo) ?? "0");
      assert.throws(
        split({ embargo: embargo === Infinity ? Infinity : input }),
        /embargo|Invalid/i,
        String(embargo),
      );
    }
    const NoTime = Contract.make("still", {
      version: "1",
      owner: "lab",
      columns: { x: Column.float() },
    });
    // @ts-expect-error Refused<"the contract has no event time to split by
    assert.throws(() => Split.byTime(NoTime, cuts), /the contract "still" has no event time/);
  });

  it.effect("gives its parts one id, another for other cuts or other data", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(Trip, "checked", rowsAt(...one));
      const other = yield* tableOf(Trip, "checked", rowsAt(...one, "2001-05-05"));
      const idOf = Effect.fnUntraced(function* (
        options: Parameters<typeof Split.byTime>[1],
        from: typeof data,
      ) {
        const parts = yield* Split.byTime(Trip, options).run({ data: from });
        const ids = new Set(roles.map((role) => parts[role].split));
        assert.strictEqual(ids.size, 1);
        return [...ids][0];
      });
      const id = yield* idOf(cuts, data);
      assert.isString(id);
      assert.strictEqual(yield* idOf(cuts, data), id);
      assert.notStrictEqual(yield* idOf(cuts, other), id);
      assert.notStrictEqual(yield* idOf({ ...cuts, test: "2001-05-02" }, data), id);
      assert.notStrictEqual(yield* idOf({ ...cuts, embargo: "1 day" }, data), id);
    }).pipe(withTables),
  );

  it.live("makes the same bytes on any number of threads", () =>
    Effect.gen(function* () {
      const query =
        "SELECT i AS id, TIMESTAMP '2001-01-01' + to_seconds((i * 7919) % 14000000) AS at FROM range(300000) t(i)";
      const digests = (threads: number) =>
        Effect.gen(function* () {
          const data = yield* Table.write(Trip, "checked", { query });
          const parts = yield* Split.byTime(Trip, cuts).run({ data });
          return roles.map((role) => Table.digestOf(parts[role])).join();
        }).pipe(
          Effect.provide(
            Layer.mergeAll(Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary),
          ),
        );
      const found = [yield* digests(1), yield* digests(2), yield* digests(4), yield* digests(2)];
      assert.strictEqual(new Set(found).size, 1);
    }),
  );

  it.effect("tells how many rows are left out, and why", () =>
    Effect.gen(function* () {
      const exhibits: Array<string> = [];
      const undated = [
        { id: 98, at: null },
        { id: 99, at: new Date("2001-04-14T12:00Z") },
      ];
      const data = yield* tableOf(Trip, "checked", [...rowsAt(...one), ...undated]);
      yield* Split.byTime(Trip, { ...cuts, embargo: "1 day" })
        .run({ data })
        .pipe(
          Effect.provideService(Stage.Reporter, (event) =>
            Effect.sync(() => {
              if (event._tag === "Exhibit") exhibits.push(event.exhibit.caption ?? "");
            }),
          ),
        );
      assert.deepStrictEqual(exhibits, [
        "1 rows lie in the embargo before a cut and are left out; 1 rows have no at and are left out",
      ]);
    }).pipe(withTables),
  );

  it.effect("hands on the columns of the contract, and no other", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const query = `SELECT *, 'secret' AS extra FROM ${relationOf(Trip, rowsAt(...one))}`;
      const data = yield* Table.write(Trip, "checked", { query });
      const { train } = yield* Split.byTime(Trip, cuts).run({ data });
      const [row] = yield* db.rows("read", `FROM ${yield* Table.relation(train)}`);
      assert.deepStrictEqual(Object.keys(row ?? {}), ["id", "at"]);
    }).pipe(withTables),
  );
});
