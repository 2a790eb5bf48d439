/** Text in SQL that a check brings: one expression over its columns, or a reason why it is not. */
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { services } from "../../test-fixtures/tables.ts";
import { impureFunctions, problemOf, type Role } from "./sqlText.ts";

const rows = `SELECT 0 AS "~row", 1 AS a, 'x' AS b, 2 AS secret`;
const problem = Effect.fnUntraced(function* (text: string, role: Role = "condition") {
  const impure = yield* impureFunctions;
  return yield* problemOf(text, role, { rows, columns: ["a", "b"], impure });
});

const fine: ReadonlyArray<readonly [string, Role?]> = [
  ["a > 1"],
  ["A > 1 AND b LIKE 'x%' -- both"],
  ["/* all */ a IN (1, 2) OR (b IS NULL)"],
  ["CASE WHEN a > 1 THEN length(b) = 1 ELSE true END"],
  ["list_contains(list_transform([a, 2], lambda v: v + a), 3)"],
  ["regexp_matches(b, ';')"],
  ["b = '; DROP TABLE x; --'"],
  ["a"], // a number is true unless it is 0
  ["avg(a) / count(*)", "aggregate"],
  ["count_if(a > 1) FILTER (WHERE b = 'x')", "aggregate"],
];

const refused: ReadonlyArray<readonly [text: string, why: string, Role?]> = [
  ["", "syntax error"],
  ["a >", "syntax error"],
  ["a > 1; DROP TABLE x", "syntax error"],
  ["1) FROM rows; SELECT (1", "not one expression"],
  ["a > 1) FROM rows WHERE (true", "syntax error"],
  ["a), (b", "not one expression"],
  ["a) AS x FROM (SELECT 1 AS a) rows --", "syntax error"],
  ["a > 1) FROM rows UNION ALL SELECT (true", "not one expression"],
  ["a > (SELECT max(size) FROM read_text('/etc/passwd'))", "it has a subquery"],
  ["EXISTS (FROM read_csv('/etc/passwd'))", "it has a subquery"],
  ["a IN (SELECT 1)", "it has a subquery"],
  ["secret > 1", 'it may read "a", "b", not "secret"'],
  [`"~row" > 1`, 'not "~row"'],
  ["rows.a > 1", 'not "rows.a"'],
  ["nothing > 1", 'not "nothing"'],
  ["COLUMNS('s.*') > 1", "it has a star"],
  ["a > $1", "it has a parameter"],
  ["sum(a) OVER () > 1", "it has a window"],
  ["a > random()", "it may not call random"],
  ["b < CAST(now() AS VARCHAR)", "it may not call now"],
  ["b < CAST(current_date AS VARCHAR)", "current_date"],
  ["b = current_setting('threads')", "it may not call current_setting"],
  ["getvariable('x') > a", "it may not call getvariable"],
  ["read_text('/etc/passwd') = b", "read_text"],
  ["nosuchfunction(a)", "does not exist"],
  ["length(a, b, 3)", "No function matches"],
  ["avg(a) > 1", "aggregates"],
  ["b", "must appear in the GROUP BY", "aggregate"],
  ["a", "must appear in the GROUP BY", "aggregate"],
  ["max(secret)", 'not "secret"', "aggregate"],
];

describe("SQL of a check", () => {
  it.effect("is one expression over its columns", () =>
    Effect.gen(function* () {
      for (const [text, role] of fine) {
        assert.isUndefined(yield* problem(text, role), text);
      }
    }).pipe(Effect.provide(services())),
  );

  it.effect("is refused with a reason if it is anything else", () =>
    Effect.gen(function* () {
      const wrong: Array<unknown> = [];
      for (const [text, why, role] of refused) {
        const said = String(yield* problem(text, role));
        if (!said.includes(why)) wrong.push([text, why, said]);
      }
      assert.deepStrictEqual(wrong, []);
    }).pipe(Effect.provide(services())),
  );
});
