/**
 * The scripts of docs/python.md, as they stand there, in an environment with their packages (see
 * churn.test.ts): what they hand back scores as the libraries themselves do.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duckdb, Model, Scoring, Table } from "@ml-pipe/data";
import { Column, Contract, FeatureSet, Split, Train, Transform } from "@ml-pipe/ml-pipe";
import * as Testing from "@ml-pipe/ml-pipe/testing";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import { afterAll, assert, describe, it } from "vitest";
import { remove, workspace } from "../cli/support.ts";
import { root } from "../support/repository.ts";

const made = join(root, "test/python/.venv");
const venv = process.env["ML_PIPE_TEST_PYTHON"] ?? (existsSync(made) ? made : undefined);
const page = readFileSync(join(root, "docs/python.md"), "utf8");
const samples = [...page.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code = ""]) => code);

const Subscriber = Contract.make("subscriber", {
  version: "1",
  owner: "billing",
  columns: {
    months: Column.float({ nullable: true }),
    plan: Column.string({ nullable: true }),
    left: Column.boolean({ availableAt: "outcome" }),
  },
});
const Plans = FeatureSet.make("plans", {
  version: "1",
  of: Subscriber,
  keep: ["plan"],
  features: ($) => ({ months: $.months }),
  label: ($) => $.left,
});
const prepare = Transform.make(Plans, ($) => ({
  months: $.months,
  plan: Transform.ordinal($.plan),
}));
const rows = Array.from({ length: 400 }, (_, i) => ({
  months: i % 9 === 0 ? null : (i * 37) % 60,
  plan: [null, "basic", "family,\nlarge", "pro"][i % 4] ?? null,
  label: ((i * 37) % 60) / 10 + 3 * (i % 4 === 3 ? 1 : 0) + ((i * 7919) % 13) / 2 > 6,
}));

/** What a script says of the first rows, and what its model gives them here. */
const scoresOf = (folder: string, sample: string, given: string) =>
  Effect.gen(function* () {
    const script = join(folder, "train.py");
    const asked = `\nfor row, one in enumerate(model.predict_proba(${given}[:5])[:, 1]):\n    ml_pipe.metric(f"row {row}", one)\n`;
    writeFileSync(script, sample + asked);
    const data = yield* Testing.table(Plans.contract, "checked", rows);
    const split = yield* Split.random(Plans.contract, { validation: 0.2, test: 0.2 }).run({ data });
    const stage = Train.python(Plans, {
      script,
      venv: venv ?? "",
      requirements: join(root, "test/python/requirements.txt"),
      params: { strength: 0.5 },
      ...(sample.includes("frame") ? { prepare } : {}),
    });
    const { exit, exhibits } = yield* Testing.listen(stage.run(split));
    const value = yield* exit;
    const table = exhibits.find(({ title }) => title === "Trained in Python");
    const said = table?._tag === "table" ? table.rows : [];
    const document = yield* Model.load(value);
    const select =
      document.transform === undefined ? ["months"] : Transform.selectSql(document.transform);
    const { columns } = yield* (yield* Duckdb.Duckdb).numericColumns("read rows", {
      from: `(FROM ${yield* Table.relation(split.train)} LIMIT 5)`,
      select,
      rows: 5,
    });
    const found = new Float64Array(5);
    yield* (yield* Scoring.open(document)).columns(columns, found);
    const expected = said
      .filter(([name]) => String(name).startsWith("row "))
      .map(([, one]) => Number(one));
    return { expected, found };
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(Testing.layer, Logger.layer([]))));

describe.skipIf(venv === undefined)("a script of docs/python.md", () => {
  const folder = workspace("python-scripts");
  afterAll(() => remove(folder));

  for (const [what, words, given] of [
    ["of scikit-learn", "strength", "train.X"],
    ["of scikit-learn with texts", "frame", "frame"],
    ["of LightGBM", "LGBMClassifier", "train.X"],
  ] as const) {
    it(`${what} trains a model that scores the same here`, async () => {
      const sample = samples.find((one) => one.includes(words)) ?? assert.fail("no such sample");
      const { expected, found } = await Effect.runPromise(scoresOf(folder, sample, given));
      assert.strictEqual(expected.length, 5);
      for (const [row, one] of expected.entries()) assert.closeTo(found[row] ?? NaN, one, 1e-6);
    });
  }
});
