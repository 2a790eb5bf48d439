import { Digest } from "@ml-pipe/core";
import { GoldenSet } from "@ml-pipe/data";
import { it } from "vitest";
import { Minutes, minutesCharter, Ways, waysCharter } from "../test-fixtures/deliveries.ts";
import * as GoldenGate from "./GoldenGate.ts";

const about = { version: "1.0.0", path: "golden.parquet", digest: Digest.ofBytes("") };

it("holds numbers within a tolerance, and every label against its own metric", () => {
  const numbers = GoldenSet.make("known-minutes", { of: Minutes, ...about });
  const classes = GoldenSet.make("known-ways", { of: Ways, ...about });
  GoldenGate.noRegression(numbers, { charter: minutesCharter(), tolerance: 5 });
  GoldenGate.noRegression(classes, { charter: waysCharter(), mustPass: ($) => $.x.gt(1) });
  // @ts-expect-error Property 'tolerance' is missing in type
  GoldenGate.noRegression(numbers, { charter: minutesCharter() });
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  GoldenGate.noRegression(classes, { charter: minutesCharter(), tolerance: 5 });
});
