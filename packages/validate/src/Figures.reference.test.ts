/** Figures against those of SciPy, pandas and scikit-learn: see test-fixtures/figures.py. */
import { assert, describe, it } from "@effect/vitest";
import { type Check, Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import fixture from "../test-fixtures/figures.json" with { type: "json" };
import { services, temporaryFolder, values, writeParquet } from "../test-fixtures/tables.ts";
import { examine } from "./internal/examine.ts";

const Sample = Contract.make("sample", {
  version: "1",
  owner: "lab",
  columns: {
    x: Column.float({ nullable: true }),
    y: Column.float({ nullable: true }),
    a: Column.string({ nullable: true }),
    b: Column.string({ nullable: true }),
  },
});

const cell = (value: unknown) => (value === null ? "NULL" : `'${String(value)}'`);
const rows = fixture.rows.map((row) => `(${row.map(cell).join(", ")})`);

/** A check that a figure is the reference's, to nine digits; it fails if the figure is moved. */
const checkOf = (columns: string, kind: string, figure: number, moved: number): Check.CheckSpec => {
  const [name = "", q] = kind.split(" ");
  const slack = 1e-9 * Math.abs(figure);
  return {
    kind: name,
    name: `${columns} ${kind} ${moved}`,
    columns: columns.split(","),
    args: {
      ...(q === undefined ? {} : { q: Number(q) }),
      atLeast: figure * (1 + moved) - slack,
      atMost: figure * (1 + moved) + slack,
    },
    severity: "fail",
  };
};

const figures = Object.entries(fixture.figures).flatMap(([columns, by]) =>
  Object.entries(by).flatMap(([kind, figure]) =>
    kind.startsWith("outside") ? [] : [[columns, kind, figure] as const],
  ),
);

describe("a figure", () => {
  it.effect("is the reference's", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = `${folder}/sample.parquet`;
      yield* writeParquet(file, values("x DOUBLE, y DOUBLE, a VARCHAR, b VARCHAR", ...rows));
      const right = figures.map(([columns, kind, figure]) => checkOf(columns, kind, figure, 0));
      const wrong = figures.map(([columns, kind, figure]) => checkOf(columns, kind, figure, 1e-6));
      const outside: Check.CheckSpec = {
        kind: "z-score",
        name: "outliers",
        columns: ["x"],
        args: { atMost: 2 },
        severity: "fail",
      };
      const { results } = yield* examine(file, {
        contract: Sample,
        checks: [...right, ...wrong, outside],
        others: new Map(),
        uniqueRows: false,
        asOf: undefined,
      });
      const judged = new Map(results.map(({ check, judged }) => [check.name, judged]));
      const outcomes = (checks: ReadonlyArray<Check.CheckSpec>, outcome: string) =>
        checks.flatMap(({ name }) =>
          judged.get(name)?.outcome === outcome ? [] : [`${name}: ${judged.get(name)?.found}`],
        );
      assert.deepStrictEqual(outcomes(right, "passed"), []);
      assert.deepStrictEqual(outcomes(wrong, "failed"), []);
      assert.strictEqual(judged.get("outliers")?.rows, fixture.figures.x["outside 2 sd"]);
    }).pipe(Effect.provide(services())),
  );
});
