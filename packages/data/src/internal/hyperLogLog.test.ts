import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { withTables } from "../../test-fixtures/tables.ts";
import { Duckdb } from "../Duckdb.ts";
import { codeOf, codesSql, estimate, estimateSql, standardError, withCode } from "./hyperLogLog.ts";

const codesOf = (values: Iterable<number>): ReadonlyArray<number> => {
  const largest = new Map<number, number>();
  for (const code of Array.from(values, codeOf)) {
    const register = Math.floor(code / 64);
    largest.set(register, Math.max(largest.get(register) ?? 0, code));
  }
  return [...largest.values()].toSorted((a, b) => a - b);
};
const numbers = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + index);

describe("HyperLogLog", () => {
  it("is off by its standard error, at every size", () => {
    for (const count of [100, 1000, 5000]) {
      const sketches = 12;
      let squares = 0;
      for (let sketch = 0; sketch < sketches; sketch++) {
        const found = estimate(codesOf(numbers(sketch * 1e6, count)));
        squares += (found / count - 1) ** 2;
      }
      // The root mean square of 12 estimates is itself off by 1 / √24: three times that at most.
      const rootMeanSquare = Math.sqrt(squares / sketches);
      assert.isBelow(rootMeanSquare, standardError * (1 + 3 / Math.sqrt(2 * sketches)), `${count}`);
      if (count === 5000) assert.isAbove(rootMeanSquare, standardError / 2);
    }
  });

  it("counts few values almost exactly, and none as 0", () => {
    assert.strictEqual(estimate([]), 0);
    for (const count of [1, 2, 10]) {
      assert.closeTo(estimate(codesOf(numbers(1, count))), count, count * 0.01);
    }
    assert.strictEqual(codeOf(-0), codeOf(0));
  });

  it("is the same whatever the order, and merged or made at once", () => {
    const [a, b] = [numbers(0, 3000), numbers(2000, 3000)];
    const one = [...a, ...b].toReversed().map(codeOf).reduce(withCode, []);
    assert.deepStrictEqual(one, codesOf([...a, ...b]));
    assert.strictEqual(estimate([...codesOf(a), ...codesOf(b)]), estimate(one));
  });

  it.live("has the same registers and the same estimate in SQL", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const values = [...numbers(-400, 3000), 0.1, -2.5, 1e300, 5e-324];
      const [found] = yield* db.rows(
        "sketch",
        `SELECT ${codesSql("x")} AS codes, ${estimateSql(`[${codesSql("x")}]`)} AS estimate
         FROM (SELECT unnest([${values.join(", ")}]::DOUBLE[]) AS x UNION ALL SELECT NULL)`,
      );
      assert.deepStrictEqual(found?.["codes"], codesOf(values));
      const [sql, js] = [Number(found?.["estimate"]), estimate(codesOf(values))];
      assert.closeTo(sql / js, 1, 1e-12);
    }).pipe(withTables),
  );
});
