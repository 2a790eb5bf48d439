import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, it } from "@effect/vitest";
import { Column, Contract, Python } from "@ml-pipe/core";
import { Duckdb, FeatureSet, Table, Transform } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { services } from "../../test-fixtures/visits.ts";
import { handOver } from "./handOver.ts";

/** An environment with NumPy, pandas and pyarrow: `.ci/run` makes it. */
const made = fileURLToPath(new URL("../../../../test/python/.venv", import.meta.url));
const venv = process.env["ML_PIPE_TEST_PYTHON"] ?? (fs.existsSync(made) ? made : undefined);

const Thing = Contract.make("thing", {
  version: "1",
  owner: "lab",
  columns: {
    number: Column.float({ nullable: true }),
    text: Column.string({ nullable: true }),
    kind: Column.string({ nullable: true, availableAt: "outcome" }),
  },
});
const Things = FeatureSet.make("things", {
  version: "1",
  of: Thing,
  keep: ["text"],
  features: ($) => ({ number: $.number, 'od"d, name': $.number.times(1) }),
  label: ($) => $.kind,
});

/** Texts that CSV and JSON have to quote, and that look like something else. */
const text = fc.oneof(
  fc.constantFrom(
    "",
    "nan",
    "NULL",
    "1e5",
    " x ",
    '"',
    "a,b",
    "a\nb",
    "a\r\nb",
    "'",
    "é\u{1f600}",
    "\\N",
  ),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((one) => !one.includes("\0")),
);
const number = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.constantFrom(2 ** 53 + 2, -0, 5e-324, 1.7976931348623157e308, 0.1, 1_700_000_000_000.25),
);

const program = `
import json, math, sys, ml_pipe
tables = [ml_pipe.Table(given) for given in json.load(sys.stdin)]
print(json.dumps([{
    "numbers": [[None if math.isnan(cell) else cell.hex() for cell in row] for row in table.X.tolist()],
    "texts": list(table.column("text")),
    "framed": list(table.frame()["text"]),
    "labels": table.y.tolist(),
} for table in tables]))
`;

it.live.skipIf(venv === undefined)("Parquet and CSV hand over the same, to the last bit", () =>
  Effect.gen(function* () {
    const rows = fc.sample(
      fc.record({ number: fc.option(number), text: fc.option(text), label: fc.option(text) }),
      { numRuns: 400, seed: 20_260 },
    );
    const db = yield* Duckdb.Duckdb;
    const values = rows.map(
      (row) =>
        `(${row.number === null ? "NULL" : `'${row.number}'::DOUBLE`}, ${[row.text, row.label]
          .map((one) => (one === null ? "NULL" : Duckdb.literal(one)))
          .join(", ")})`,
    );
    yield* db.execute(
      "make rows",
      `CREATE OR REPLACE TABLE given AS SELECT * FROM (VALUES ${values.join(", ")}) t(number, text, label)`,
    );
    const train = yield* Table.write(Things.contract, "train", {
      query: `SELECT number, number AS "od""d, name", text, label FROM given`,
      split: "one",
    });
    const prepare = Transform.make(Things, ($) => ({
      number: $.number,
      'od"d, name': $['od"d, name'],
      text: Transform.ordinal($.text),
    }));
    const transform = yield* Transform.fit(prepare, train);
    const how = { transform, weight: undefined };
    const tables = [
      yield* handOver(Things, train, { ...how, format: "parquet" }),
      yield* handOver(Things, train, { ...how, format: "csv" }),
    ];
    const { stdout, stderr } = spawnSync(
      String(Python.programOf({ venv: venv ?? "" })),
      ["-c", program],
      {
        input: JSON.stringify(tables),
        env: { PYTHONPATH: Python.helperFolder, PYTHONDONTWRITEBYTECODE: "1" },
        encoding: "utf8",
        maxBuffer: 2 ** 26,
      },
    );
    assert.notStrictEqual(stdout, "", stderr);
    const [parquet, csv] = JSON.parse(stdout);
    assert.deepStrictEqual(csv, parquet);
    const labelled = rows.filter(({ label }) => label !== null);
    assert.deepStrictEqual(
      parquet.labels,
      labelled.map(({ label }) => label),
    );
    const texts = labelled.map((row) => row.text ?? "");
    assert.deepStrictEqual(parquet.texts, texts);
    assert.deepStrictEqual(parquet.framed, texts);
    for (const [index, row] of labelled.entries()) {
      const found: ReadonlyArray<string | null> = parquet.numbers[index];
      for (const cell of found.slice(0, 2)) assert.strictEqual(fromHex(cell), row.number);
    }
  }).pipe(Effect.scoped, Effect.provide(services)),
);

/** What Python's float.hex wrote. */
const fromHex = (text: string | null): number | null => {
  if (text === null) return null;
  const [, sign, lead, digits = "", power] =
    /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text) ?? [];
  const bits = Number.parseInt(`${lead}${digits.padEnd(13, "0")}`, 16);
  return (sign === "-" ? -1 : 1) * (bits * 2 ** -52) * 2 ** Number(power);
};
