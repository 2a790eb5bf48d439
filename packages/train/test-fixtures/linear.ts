/** The figures in linear.json, typed, with the data they were made on (`make_linear.py`). For tests only. */
import { readFileSync } from "node:fs";
import * as Schema from "effect/Schema";
import { type Data, everyFourth } from "./reference.ts";

const Numbers = Schema.Array(Schema.Finite);

const Fitted = Schema.Struct({
  options: Schema.Struct({ l1: Schema.Finite, l2: Schema.Finite }),
  /** One for each class, or one. */
  intercepts: Numbers,
  coefficients: Schema.Array(Numbers),
  /** Of every fourth row; several classes row by row. */
  predictions: Numbers,
});
/** A model as scikit-learn fitted it. */
export type Fitted = typeof Fitted.Type;

const columns = {
  featureNames: Schema.Array(Schema.String),
  columns: Schema.Array(Numbers),
  labels: Numbers,
};

const Linear = Schema.Struct({
  diabetes: Schema.Struct({
    ...columns,
    ridge: Fitted,
    elasticNet: Fitted,
    weighted: Fitted,
    poisson: Fitted,
    exposed: Fitted,
  }),
  breastCancer: Schema.Struct({ elasticNet: Fitted }),
  wine: Schema.Struct({ ...columns, multinomial: Fitted, elasticNet: Fitted }),
});

/** What scikit-learn made of the data sets. */
export const linear = Schema.decodeUnknownSync(Linear)(
  JSON.parse(readFileSync(new URL("./linear.json", import.meta.url), "utf8")),
);

/** A data set, every fourth row apart. */
export const partsOf = (
  data: Pick<typeof linear.wine, "columns" | "labels">,
): { readonly train: Data; readonly test: Data } => {
  const labels = Float64Array.from(data.labels);
  return everyFourth({
    columns: data.columns.map((column) => Float64Array.from(column)),
    labels,
    values: labels,
  });
};
