import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import type { Ast, HistoryAst } from "../Expr.ts";
import { type HistoryState, lookup } from "../History.ts";

const at: Ast = { _tag: "column", name: "at", type: "timestamp" };

const historyOf = (aggregate: "mean" | "count", by: ReadonlyArray<string>): HistoryAst => ({
  _tag: "history",
  aggregate,
  by,
  of: { _tag: "literal", value: 1 },
  knownAt: at,
  windowMs: 5,
  hopMs: 1,
});

/** The definition: all hops of the entity inside the window, one by one. */
const byScan = (
  history: HistoryAst,
  state: HistoryState,
  key: ReadonlyArray<unknown>,
  time: number,
) => {
  let [count, sum] = [0, 0];
  for (const entity of state.entities) {
    if (JSON.stringify(entity.key) !== JSON.stringify(key)) continue;
    for (const [index, hop] of entity.hop.entries()) {
      if (hop < time - 5 || hop >= time) continue;
      count += Number(entity.columns["count"]?.[index]);
      sum += Number(entity.columns["sum"]?.[index]);
    }
  }
  if (history.aggregate === "count") return count;
  return count === 0 ? null : sum / count;
};

// Values that are equal as text but not as keys, and the other way round.
const part = fc.constantFrom<string | number | boolean | null>(
  "A",
  "1",
  1,
  true,
  "true",
  null,
  "null",
  0,
);
const buckets = fc
  .uniqueArray(fc.integer({ min: -20, max: 20 }), { maxLength: 15 })
  .map((hops) => hops.toSorted((a, b) => a - b))
  .chain((hop) =>
    fc.record({
      hop: fc.constant(hop),
      count: fc.array(fc.nat(9), { minLength: hop.length, maxLength: hop.length }),
      // Large and small together: running totals would lose the small ones.
      sum: fc.array(fc.constantFrom(0.1, 1 / 3, 2, -5, 1e16, -1e16), {
        minLength: hop.length,
        maxLength: hop.length,
      }),
    }),
  );
const cases = fc.integer({ min: 0, max: 3 }).chain((columns) => {
  const key = fc.array(part, { minLength: columns, maxLength: columns });
  return fc.record({
    columns: fc.constant(columns),
    entities: fc.uniqueArray(
      fc.tuple(key, buckets).map(([key, { hop, ...columns }]) => ({ key, hop, columns })),
      { maxLength: 12, selector: ({ key }) => JSON.stringify(key) },
    ),
    asked: fc.array(fc.tuple(key, fc.integer({ min: -25, max: 30 })), {
      minLength: 5,
      maxLength: 20,
    }),
  });
});

describe("History.lookup", () => {
  it("finds what a scan of the state finds, bit for bit", () => {
    fc.assert(
      fc.property(
        cases,
        fc.constantFrom("mean", "count"),
        ({ columns, entities, asked }, aggregate) => {
          const by = ["a", "b", "c"].slice(0, columns);
          const history = historyOf(aggregate, by);
          const state = { history, entities };
          const find = lookup(history, state, at);
          const known = entities.map(({ key }, index) => [key, index - 3] as const);
          for (const [key, time] of [...asked, ...known]) {
            const row = {
              at: new Date(time),
              ...Object.fromEntries(by.map((name, i) => [name, key[i] ?? null])),
            };
            assert.strictEqual(find(row), byScan(history, state, key, time));
          }
        },
      ),
    );
  });

  it("finds nothing without a state, and at no time", () => {
    const mean = lookup(historyOf("mean", ["a"]), undefined, at);
    assert.strictEqual(mean({ at: new Date(0), a: "A" }), null);
    // Nobody counted, which is not the same as nothing found.
    assert.strictEqual(lookup(historyOf("count", []), undefined, at)({ at: new Date(0) }), null);
    assert.strictEqual(mean({ at: null, a: "A" }), null);
  });
});
