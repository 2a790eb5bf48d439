import { assert, describe, it } from "@effect/vitest";
import { Column, Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { tableOf, withTables } from "../../test-fixtures/tables.ts";
import { Duckdb } from "../Duckdb.ts";
import * as Split from "../Split.ts";
import * as Table from "../Table.ts";
import { requireDisjointTables, requireOrdered } from "./parts.ts";

const Visit = Contract.make("visit", {
  version: "1",
  owner: "ward",
  columns: {
    id: Column.int(),
    at: Column.timestamp(),
    who: Column.string({ nullable: true }),
  },
  eventTime: "at",
  group: "who",
});
const cuts = { validation: "2001-02-01", test: "2001-03-01", live: "2001-04-01" };
const roles = ["train", "validation", "test", "live"] as const;
const day = 86_400_000;
const start = Date.parse("2001-01-01");

const idsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const db = yield* Duckdb;
  const rows = yield* db.rows(
    "read",
    `SELECT CAST(id AS DOUBLE) AS id FROM ${yield* Table.relation(table)}`,
  );
  return rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
});

const rowsOf = (
  entries: ReadonlyArray<readonly [day: number | null, who: string | null]>,
): ReadonlyArray<{ id: number; at: Date | null; who: string | null }> =>
  entries.map(([at, who], id) => ({
    id,
    at: at === null ? null : new Date(start + at * day),
    who,
  }));

/** One group in each part. */
const one = [
  [0, "a"],
  [40, "b"],
  [65, "c"],
  [100, "d"],
] as const;

describe("Split.byTimeAndGroup", () => {
  it.live("keeps of each group the rows of the part in which it is first seen", () =>
    Effect.gen(function* () {
      const entries = fc.array(
        fc.tuple(
          fc.option(fc.double({ min: 0, max: 120, noNaN: true })),
          fc.option(fc.constantFrom("e", "f", "g", "h", "i", "j", "k")),
        ),
        { maxLength: 60 },
      );
      const cutDays = [31, 59, 90];
      for (const [random, embargo] of fc.sample(fc.tuple(entries, fc.constantFrom(0, 1, 3)), {
        numRuns: 6,
        seed: 4,
      })) {
        const rows = rowsOf([...one, ...random]);
        const split = Split.byTimeAndGroup(Visit, { ...cuts, embargo: embargo * day });
        const parts = yield* split.run({ data: yield* tableOf(Visit, "checked", rows) });
        const partOf = ({ at, who }: (typeof rows)[number]) => {
          const days = at === null ? Number.NaN : (at.getTime() - start) / day;
          if (who === null || Number.isNaN(days)) return undefined;
          if (cutDays.some((cut) => days >= cut - embargo && days < cut)) return undefined;
          return cutDays.filter((cut) => days >= cut).length;
        };
        const first = new Map<string | null, number>();
        for (const row of rows) {
          const part = partOf(row);
          if (part !== undefined) first.set(row.who, Math.min(part, first.get(row.who) ?? part));
        }
        for (const [part, role] of roles.entries()) {
          const expected = rows
            .filter((row) => partOf(row) === part && first.get(row.who) === part)
            .map(({ id }) => id);
          assert.deepStrictEqual(yield* idsOf(parts[role]), expected);
        }
      }
    }).pipe(withTables),
  );

  it.effect("says which rows are left out, and a row without a group is a finding", () =>
    Effect.gen(function* () {
      const said: Array<string> = [];
      const rows = rowsOf([...one, [41, "a"], [66, "a"], [30.5, "a"], [null, "b"], [1, null]]);
      yield* Split.byTimeAndGroup(Visit, { ...cuts, embargo: "1 day" })
        .run({ data: yield* tableOf(Visit, "checked", rows) })
        .pipe(
          Effect.provideService(Stage.Reporter, (event) =>
            Effect.sync(() => {
              if (event._tag === "Exhibit") said.push(event.exhibit.caption ?? "");
              if (event._tag === "Finding")
                said.push(`${event.finding.check} ${event.finding.rows}`);
            }),
          ),
        );
      assert.deepStrictEqual(said, [
        "1 rows lie in the embargo before a cut and are left out; 1 rows have no at and are left out; 1 rows have no who and are left out; 2 rows come after the part in which their who began and are left out",
        "split.time-known 1",
        "split.group-known 1",
      ]);
    }).pipe(withTables),
  );

  it.effect("names a part that no new group is in", () =>
    Effect.gen(function* () {
      const rows = rowsOf([...one.slice(0, 3), [100, "a"]]);
      const data = yield* tableOf(Visit, "checked", rows);
      const error = yield* Effect.flip(Split.byTimeAndGroup(Visit, cuts).run({ data }));
      assert.strictEqual(
        error.message,
        "the live part of the split has no rows: none has its at from 2001-04-01 00:00 to the end and is of a who that is first seen then. Move the cut, or ingest data of that period.",
      );
      const instant = yield* tableOf(
        Visit,
        "checked",
        rowsOf([
          [5, "a"],
          [5, "b"],
          [5, "c"],
        ]),
      );
      const same = yield* Effect.flip(Split.byTimeAndGroup(Visit, cuts).run({ data: instant }));
      assert.match(same.message, /^the validation part of the split has no rows/);
    }).pipe(withTables),
  );
});

describe("the proof of a split", () => {
  it.effect("finds a group, a row and an instant in two parts", () =>
    Effect.gen(function* () {
      const train = yield* tableOf(
        Visit,
        "train",
        rowsOf([
          [0, "a"],
          [3, "b"],
        ]),
      );
      const test = yield* tableOf(
        Visit,
        "test",
        rowsOf([
          [3, "c"],
          [3, "b"],
          [9, "a"],
        ]),
      );
      const group = yield* Effect.flip(
        requireDisjointTables([train, test], [{ of: "group", columns: ["who"] }]),
      );
      if (group._tag !== "OverlapError") assert.fail(group.message);
      assert.strictEqual(group.count, 2);
      assert.sameDeepMembers(
        [...group.examples],
        [
          [
            { part: "train", row: 0 },
            { part: "test", row: 2 },
          ],
          [
            { part: "train", row: 1 },
            { part: "test", row: 1 },
          ],
        ],
      );
      const row = yield* Effect.flip(
        requireDisjointTables([train, test], [{ of: "row", columns: ["id", "at", "who"] }]),
      );
      assert.match(
        row.message,
        /: 1 equal rows \(by id, at, who\) are in two parts, such as row 1 of train and row 1 of test\. /,
      );
      const time = yield* Effect.flip(requireOrdered([train, test], "at", 0));
      assert.match(
        time.message,
        /: 1 instants \(by at\) are in two parts, such as row 1 of train and row 0 of test\. /,
      );
      const later = yield* tableOf(Visit, "test", rowsOf([[4, "c"]]));
      yield* requireOrdered([train, later], "at", day - 1);
      yield* Effect.flip(requireOrdered([train, later], "at", day));
    }).pipe(withTables),
  );
});
