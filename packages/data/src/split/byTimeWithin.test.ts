import { assert, describe, it } from "@effect/vitest";
import { Column, Contract, type Finding, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { tableOf, withTables } from "../../test-fixtures/tables.ts";
import { Duckdb } from "../Duckdb.ts";
import * as Split from "../Split.ts";
import * as Table from "../Table.ts";

const Rating = Contract.make("rating", {
  version: "1",
  owner: "films",
  eventTime: "at",
  columns: {
    id: Column.int(),
    user: Column.string({ nullable: true }),
    at: Column.timestamp({ nullable: false }),
  },
});
const options = { within: "user", validation: 0.2, test: 0.2 } as const;
const roles = ["train", "validation", "test"] as const;

type Row = { readonly user: string | null; readonly day: number | null };

const split = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>, cuts = options) {
  const findings: Array<Finding.Finding> = [];
  const data = yield* tableOf(
    Rating,
    "checked",
    rows.map(({ user, day }, id) => ({
      id,
      user,
      at: day === null ? null : new Date(Date.UTC(2001, 0, 1 + day)),
    })),
  );
  const parts = yield* Split.byTimeWithin(Rating, cuts)
    .run({ data })
    .pipe(
      Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Finding") findings.push(event.finding);
        }),
      ),
    );
  const db = yield* Duckdb;
  const ids = yield* Effect.forEach(roles, (role) =>
    Effect.gen(function* () {
      const relation = yield* Table.relation(parts[role]);
      const found = yield* db.rows("look", `SELECT id::INT AS id FROM ${relation}`);
      return found.map(({ id }) => Number(id));
    }),
  );
  return { parts, ids, findings };
});

const days = (user: string, ...all: ReadonlyArray<number>) => all.map((day) => ({ user, day }));

describe("Split.byTimeWithin", () => {
  it.effect("cuts each history where its own latest rows begin, instants whole", () =>
    Effect.gen(function* () {
      const { ids, findings } = yield* split([
        ...days("ana", 1, 2, 3, 4, 5),
        ...days("bob", 105, 104, 103, 102, 101),
        ...days("cy", 1, 1, 1, 9, 9),
      ]);
      // Three of cy's rows share an instant, and so do the two after it.
      assert.deepStrictEqual(ids, [
        [0, 1, 2, 7, 8, 9, 10, 11, 12],
        [3, 6],
        [4, 5, 13, 14],
      ]);
      // Of nine train rows, bob's three are later than the three test rows of ana and cy.
      assert.deepStrictEqual(
        findings.map(({ check, found }) => [check, found]),
        [
          [
            "split.later-rows",
            "that 25 % of the train rows are later than a test row on average, each of another user",
          ],
        ],
      );
    }).pipe(withTables),
  );

  it.effect(
    "trains on a history that cannot be cut, and leaves out rows without a user or a time",
    () =>
      Effect.gen(function* () {
        const { ids, findings } = yield* split([
          ...days("ana", 1, 2, 3, 4, 5),
          ...days("new", 3, 3, 3),
          { user: null, day: 1 },
          { user: "ana", day: null },
        ]);
        assert.deepStrictEqual(ids, [[0, 1, 2, 5, 6, 7], [3], [4]]);
        assert.deepStrictEqual(
          findings.map(({ check, rows }) => [check, rows]),
          [
            ["split.time-known", 1],
            ["split.user-known", 1],
          ],
        );
      }).pipe(withTables),
  );

  it.live("loses no row, and never judges on what is not later than all that it trained on", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(4), fc.nat(12)), { minLength: 30, maxLength: 80 }),
          async (drawn) => {
            const rows = [
              ...days("sure", 1, 2, 3, 4, 5),
              ...drawn.map(([user, day]) => ({ user: `u${user}`, day })),
            ];
            const { ids } = await Effect.runPromise(split(rows).pipe(withTables));
            assert.deepStrictEqual(
              ids.flat().toSorted((a, b) => a - b),
              rows.map((_, id) => id),
            );
            const last = new Map<string, number>();
            for (const part of ids) {
              const before = new Map(last);
              for (const id of part) {
                const { user, day } = rows[id]!;
                const known = before.get(user);
                if (known !== undefined) assert.isAbove(day, known);
                last.set(user, Math.max(last.get(user) ?? 0, day));
              }
            }
          },
        ),
        { numRuns: 8 },
      ),
    ),
  );

  it.effect("says why a part is empty", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(split(days("ana", 1, 1, 1)));
      assert.match(error.message, /the validation part .* no user has enough rows/);
    }).pipe(withTables),
  );

  it("refuses what a contract does not offer", () => {
    const Untimed = Contract.make("u", {
      version: "1",
      owner: "x",
      columns: { user: Column.string() },
    });
    // @ts-expect-error the contract has no event time to split by
    assert.throws(() => Split.byTimeWithin(Untimed, options), /no event time/);
    const Grouped = Contract.make("g", {
      version: "1",
      owner: "x",
      eventTime: "at",
      group: "user",
      columns: { user: Column.string(), at: Column.timestamp() },
    });
    // @ts-expect-error rows that belong to a group are split by group
    assert.throws(() => Split.byTimeWithin(Grouped, options), /has a group/);
    Split.byTimeWithin(Grouped, { ...options, ignoreGroup: "each user has a past" });
    assert.throws(() => Split.byTimeWithin(Rating, { ...options, test: 0.9 }), /leave nothing/);
  });
});
