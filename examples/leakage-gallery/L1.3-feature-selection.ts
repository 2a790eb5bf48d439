/**
 * L1.3: five of 300 columns of noise are chosen because they go with the outcome on all 400 rows, test
 * rows included. The test then confirms what it was asked before.
 */
import {
  Column,
  Contract,
  Duckdb,
  Evaluate,
  Features,
  FeatureSet,
  Split,
  Table,
  Train,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { type Example, refused, rocAuc } from "./gallery.ts";
import { charter, customersSql } from "./telco.ts";

const noise = Array.from({ length: 300 }, (_, index) => `noise${index}`);

const Noisy = Contract.make("noisy-customer", {
  version: "1.0.0",
  owner: "billing",
  key: ["line"],
  columns: {
    line: Column.int(),
    tenure: Column.float(),
    a: Column.float(),
    b: Column.float(),
    c: Column.float(),
    d: Column.float(),
    e: Column.float(),
    churn: Column.boolean({ availableAt: "outcome" }),
  },
});

const Picked = FeatureSet.make("picked", {
  version: "1.0.0",
  of: Noisy,
  keep: ["line"],
  label: ($) => $.churn,
  // The charter's baseline asks for `tenure`, which is 0 for everybody here.
  features: ($) => ({ tenure: $.tenure, a: $.a, b: $.b, c: $.c, d: $.d, e: $.e }),
});

const columns = noise.map(
  (name) => `(md5_number_lower('${name} ' || line) % 1000003) / 1000003.0 AS ${name}`,
);
const rows = `(SELECT line, churn, ${columns.join(", ")} FROM ${customersSql} WHERE line < 400)`;

/** The five columns that go with the outcome most, on some rows. */
const choose = Effect.fnUntraced(function* (from: string) {
  const db = yield* Duckdb.Duckdb;
  const [row = {}] = yield* db.rows(
    "choose columns",
    `SELECT ${noise.map((name) => `abs(corr(${name}, churn::INTEGER)) AS ${name}`).join(", ")} FROM ${from}`,
  );
  return noise.toSorted((a, b) => Number(row[b]) - Number(row[a])).slice(0, 5);
});

const split = Split.random(Picked.contract, { validation: 0.2, test: 0.3 });
const evaluate = Evaluate.decisions(Picked, { charter, minPerClass: 10 });

/** Trains on the chosen columns; the parts are the same rows, whatever was chosen. */
const trained = Effect.fnUntraced(function* (chosen: ReadonlyArray<string>) {
  const picked = chosen.map((name, index) => `${name} AS ${"abcde"[index]}`);
  const data = yield* Table.write(Noisy, "checked", {
    query: `SELECT line, 0.0::DOUBLE AS tenure, ${picked.join(", ")}, churn FROM ${rows} ORDER BY line`,
  });
  const parts = yield* split.run({ data: yield* Features.stage(Picked).run({ data }) });
  const model = yield* Train.linear(Picked).run(parts);
  const judged = evaluate.run({ model, train: parts.train, data: parts.test });
  return { parts, judged, auc: yield* rocAuc(Picked, model, parts.test) };
});

export const example = Effect.gen(function* () {
  const leaky = yield* trained(yield* choose(rows));
  const lines = `SELECT line FROM ${yield* Table.relation(leaky.parts.train)}`;
  const honest = yield* trained(yield* choose(`(FROM ${rows} WHERE line IN (${lines}))`));
  // Each choice that is judged on the test rows is a look at them: the second one is refused.
  yield* leaky.judged;
  return {
    kind: "L1.3",
    leaky: leaky.auc,
    caught: yield* refused(honest.judged),
    honest: honest.auc,
  } satisfies Example;
});
