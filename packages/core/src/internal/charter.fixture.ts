/** A charter for tests. */
import * as Charter from "../Charter.ts";

export const charterWith = (change: Partial<Charter.CharterOptions> = {}): Charter.Charter =>
  Charter.make({
    title: "Warn connecting passengers",
    decision: {
      question: "warn passengers?",
      madeAt: "departure",
      actor: "gate agent",
      outcomeKnownAfter: "1 day",
    },
    metric: {
      name: "expected cost",
      unit: "USD per flight",
      costs: { truePositive: 20, falsePositive: 20, falseNegative: 90, trueNegative: 0 },
    },
    baseline: { name: "never warn", description: "what happens today", rule: false },
    smallestGain: 0.5,
    surface: "gate display",
    kill: { on: "2027-06-30", criterion: "no measured gain" },
    owner: "passenger-care",
    ...change,
  });

export const charter = charterWith();
