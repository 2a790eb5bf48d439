/** The figures in calibration.json, typed (`make_calibration.py`). For tests only. */
import { readFileSync } from "node:fs";
import * as Schema from "effect/Schema";

const Numbers = Schema.Array(Schema.Finite);
const methods = { platt: Numbers, temperature: Numbers };

const Reference = Schema.Struct({
  /** `isotonic` at 0, 0.01 … 1; the others at the probabilities. */
  two: Schema.Struct({ probabilities: Numbers, labels: Numbers, isotonic: Numbers, ...methods }),
  three: Schema.Struct({ probabilities: Numbers, labels: Numbers, isotonic: Numbers, ...methods }),
});

/** What scikit-learn made of the scores. */
export const calibration = Schema.decodeUnknownSync(Reference)(
  JSON.parse(readFileSync(new URL("./calibration.json", import.meta.url), "utf8")),
);
