/**
 * L3.3: only clear cases are in the test: customers who left in their first half year, and those who have
 * stayed for a year. Whoever draws it so (say, from a survey of the angry and the loyal) tests another task.
 */
import { Split, Table, Train } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { audited, type Example, rocAuc } from "./gallery.ts";
import { Churn, customers } from "./telco.ts";

const split = Split.random(Churn.contract, { validation: 0.2, test: 0.2 });
const train = Train.boostedTrees(Churn, { maxTrees: 60 });

const options = {
  population: { description: "all customers", positiveRate: [0.24, 0.29] },
} as const;

export const example = Effect.gen(function* () {
  const parts = yield* split.run({ data: yield* customers() });
  const model = yield* train.run(parts);
  const clear = yield* Table.write(Churn.contract, "test", {
    query: `SELECT * FROM ${yield* Table.relation(parts.test)}
      WHERE (label AND tenure <= 6) OR (NOT label AND tenure >= 12) ORDER BY line`,
    split: parts.test.split,
  });
  return {
    kind: "L3.3",
    leaky: yield* rocAuc(Churn, model, clear),
    caught: yield* audited(Churn, { train: parts.train, test: clear }, "leakage.population", {
      options,
    }),
    honest: yield* rocAuc(Churn, model, parts.test),
  } satisfies Example;
});
