/** L1.4: a third of the customers is in the file twice, under two numbers, and the split does not care. */
import { Split, Train } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { audited, type Example, rocAuc } from "./gallery.ts";
import { Churn, customers, customersSql } from "./telco.ts";

const twice = `(FROM ${customersSql} UNION ALL
  SELECT line + 10000, * EXCLUDE (line) FROM ${customersSql} WHERE line % 3 = 0)`;

const train = Train.boostedTrees(Churn, {
  maxTrees: 150,
  learningRate: 0.3,
  minSamplesLeaf: 2,
  earlyStopping: false,
});

export const example = Effect.gen(function* () {
  const data = yield* customers(twice);
  const shares = { validation: 0.2, test: 0.2 };
  const careless = yield* Split.random(Churn.contract, { ...shares, duplicates: "apart" }).run({
    data,
  });
  const together = yield* Split.random(Churn.contract, shares).run({ data });
  const [peeked, model] = [yield* train.run(careless), yield* train.run(together)];
  return {
    kind: "L1.4",
    leaky: yield* rocAuc(Churn, peeked, careless.test),
    // The number of the line is kept, and is another one: it is no part of what makes rows alike.
    caught: yield* audited(Churn, careless, "leakage.duplicates"),
    honest: yield* rocAuc(Churn, model, together.test),
  } satisfies Example;
});
