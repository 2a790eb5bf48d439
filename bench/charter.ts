/** What every pipeline needs, and no benchmark is about. */
import { Charter } from "@ml-pipe/core";

export const charter = Charter.make({
  title: "benchmark",
  decision: { question: "?", madeAt: "now", actor: "nobody", outcomeKnownAfter: 0 },
  metric: {
    name: "cost",
    unit: "USD",
    costs: { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 },
  },
  baseline: { name: "none", description: "", rule: null },
  smallestGain: 1,
  surface: "none",
  kill: { on: "2100-01-01", criterion: "never" },
  owner: "bench",
});
