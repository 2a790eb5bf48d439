/** The figures in boosting.json, typed, and the data they were made on (`boosting.py` says how). For tests only. */
import { readFileSync } from "node:fs";
import * as Schema from "effect/Schema";
import { randomNumbers } from "./reference.ts";

const Numbers = Schema.Array(Schema.Finite);
const Losses = { trainLoss: Schema.Finite, testLoss: Schema.Finite };
const Classified = Schema.Struct({ ...Losses, testAccuracy: Schema.Finite });
const Regressed = Schema.Struct(Losses);
const data = { columns: Schema.Array(Numbers), labels: Numbers };

const Boosting = Schema.Struct({
  softmax: Classified,
  softmaxCategorical: Classified,
  binaryCategorical: Classified,
  squaredCategorical: Regressed,
  squaredWeighted: Regressed,
  poisson: Regressed,
  absolute: Regressed,
  absoluteCount: Regressed,
  quantile: Regressed,
  absoluteMonotone: Regressed,
  quantileMonotone: Regressed,
  monotone: Schema.Struct({ testAuc: Schema.Finite, testLoss: Schema.Finite }),
  ranking: Schema.Struct({
    trainNdcgAfterTwo: Schema.Finite,
    trainNdcg: Schema.Finite,
    testNdcg: Schema.Finite,
  }),
  wine: Schema.Struct({ ...Classified.fields, ...data }),
  diabetes: Schema.Struct({ ...Losses, ...data }),
});

/** What scikit-learn and LightGBM made of the data. */
export const boosting = Schema.decodeUnknownSync(Boosting)(
  JSON.parse(readFileSync(new URL("./boosting.json", import.meta.url), "utf8")),
);

/** Columns with labels of every kind; columns 5 and 6 are codes. */
export interface Mixed {
  readonly columns: ReadonlyArray<Float64Array>;
  readonly binary: Float64Array;
  readonly kind: Float64Array;
  readonly value: Float64Array;
  readonly count: Float64Array;
  readonly relevance: Float64Array;
  readonly weight: Float64Array;
}

/** The same rows as `mixed()` in boosting.py, to the bit. */
export const mixedData = (rows = 4000): Mixed => {
  const random = randomNumbers(7);
  const column = () => new Float64Array(rows);
  const columns = Array.from({ length: 7 }, column);
  const out = {
    binary: column(),
    kind: column(),
    value: column(),
    count: column(),
    relevance: column(),
    weight: column(),
  };
  for (let i = 0; i < rows; i++) {
    const numbers = Array.from({ length: 5 }, random).map((v) => Math.floor(v * 128) / 128);
    const [a = 0, b = 0, c = 0] = numbers;
    const f = Math.floor(random() * 12);
    const g = Math.floor(random() * random() * 40);
    const noise = random();
    const effect = ((f * 5) % 12) / 12 + ((g * 7) % 40) / 80;
    const value = a + 0.5 * b * b - 0.4 * (c - 0.5) + effect + 0.5 * noise;
    const scores = [a + noise * 0.3, b + 0.6 * random(), 0.9 * effect + 0.5 * random()];
    out.binary[i] = value > 1.6 + 0.3 * random() ? 1 : 0;
    out.kind[i] = scores.indexOf(Math.max(...scores));
    out.value[i] = value;
    out.count[i] = Math.floor(3 * value * random());
    out.relevance[i] = Math.min(4, Math.max(0, Math.floor((value - 0.6) * 2 + 0.8 * random())));
    out.weight[i] = 1 + Math.floor(random() * 4);
    const all = numbers.map((v, j) => (random() < 0.1 && j === 2 ? Number.NaN : v));
    for (const [j, v] of [...all, f, g].entries()) columns[j]![i] = v;
  }
  return { columns, ...out };
};
