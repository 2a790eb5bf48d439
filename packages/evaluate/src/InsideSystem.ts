/**
 * A model inside the product that it would serve in: rules overrule it on some rows, and on those it gains nothing.
 * Both products are compared, with the model and with what is done today, under the same rules.
 */
import type { Exhibit, Finding, Verdict } from "@ml-pipe/core";
import {
  type BusinessCost,
  type DecisionSystem,
  Interval,
  type Predictions,
  type StatisticsError,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Blocks, estimate, sumByBlock } from "./internal/blocks.ts";
import { minus } from "./internal/rows.ts";

const { counted, number, percent } = Words;

const Estimate = Schema.Struct({
  estimate: Schema.Finite,
  interval: Schema.NullOr(Interval.Interval),
});

/** What one rule does to the product. */
export const RuleResult = Schema.Struct({
  rule: Schema.String,
  act: Schema.Boolean,
  /** Share of the rows that it decides: those on which it holds, and none before it. */
  share: Schema.Finite,
  /** Share of the rows on which it decides otherwise than the model. */
  overruled: Schema.Finite,
  /** Cost of the product without the rule less that with it, per decision; below 0 it costs. */
  saves: Estimate,
});
/** See {@link RuleResult}. */
export type RuleResult = typeof RuleResult.Type;

/** A model alone, and inside the product. Gains are per decision of all rows, in the metric's unit. */
export const InsideSystemResult = Schema.Struct({
  system: Schema.String,
  digest: Schema.String,
  /** Baseline less model, where nothing overrules either. */
  alone: Estimate,
  /** The product with the baseline less the product with the model. */
  inside: Estimate,
  /** Share of the gain alone that is left inside; null where there is none alone. */
  survives: Schema.NullOr(Schema.Finite),
  /** Share of the decisions that the model changes: alone against the baseline, and inside the product. */
  changed: Schema.Struct({ alone: Schema.Finite, inside: Schema.Finite }),
  /** Share of the rows that a rule decides. */
  ruled: Schema.Finite,
  rules: Schema.Array(RuleResult),
}).annotate({ title: "InsideSystemResult" });
/** See {@link InsideSystemResult}. */
export type InsideSystemResult = typeof InsideSystemResult.Type;

/** What is decided on each row. */
export interface Decided {
  /** 1 where the model acts, else 0; and the baseline. */
  readonly model: Float64Array;
  readonly baseline: Float64Array;
  readonly label: Float64Array;
  /** For each rule, 1 where it holds: see `DecisionSystem.rulesSql`. */
  readonly rules: ReadonlyArray<Float64Array>;
  readonly blocks: Blocks;
}

/** Compares the products. */
export const measure = Effect.fnUntraced(function* (
  { name, digest, spec }: DecisionSystem.DecisionSystem,
  { model, baseline, label, rules, blocks }: Decided,
  { of: costOf }: Pick<BusinessCost.BusinessCost, "of">,
  bootstrap: { readonly level: number; readonly seed: number },
): Effect.fn.Return<InsideSystemResult, StatisticsError | Predictions.UnknownClasses> {
  // What the product decides where rules leave the decision to somebody, without one of the rules.
  const product = (otherwise: Float64Array, without = -1): Float64Array =>
    otherwise.map((decision, row) => {
      const rule = rules.findIndex((holds, at) => at !== without && holds[row] === 1);
      return rule < 0 ? decision : Number(spec.rules[rule]!.act);
    });
  const decider = model.map((_, row) => rules.findIndex((holds) => holds[row] === 1));
  const gain = Effect.fnUntraced(function* (
    before: Float64Array,
    after: Float64Array,
  ): Effect.fn.Return<typeof Estimate.Type, StatisticsError | Predictions.UnknownClasses> {
    const saved = minus(yield* costOf(before, label), yield* costOf(after, label));
    return yield* estimate(sumByBlock(saved, blocks), bootstrap);
  });
  const [before, after] = [product(baseline), product(model)];
  const [alone, inside] = [yield* gain(baseline, model), yield* gain(before, after)];
  return {
    system: name,
    digest,
    alone,
    inside,
    survives: alone.estimate > 0 ? inside.estimate / alone.estimate : null,
    changed: { alone: differing(baseline, model), inside: differing(before, after) },
    ruled: shareOf(decider, (one) => one >= 0),
    rules: yield* Effect.forEach(spec.rules, ({ name: rule, act }, at) =>
      Effect.map(gain(product(model, at), after), (saves) => ({
        rule,
        act,
        share: shareOf(decider, (one) => one === at),
        overruled: shareOf(decider, (one, row) => one === at && model[row] !== Number(act)),
        saves,
      })),
    ),
  };
});

const shareOf = (values: Float64Array, is: (value: number, row: number) => boolean): number =>
  values.reduce((count, value, row) => count + Number(is(value, row)), 0) / values.length;

const differing = (a: Float64Array, b: Float64Array): number =>
  shareOf(a, (one, row) => one !== b[row]);

const within = (interval: Pick<Interval.Interval, "lower" | "upper"> | null): string =>
  interval === null
    ? ", without an interval"
    : `, interval ${number(interval.lower)} to ${number(interval.upper)}`;

/** The gate: the whole interval of the gain inside lies at or above the charter's smallest gain. */
export const gate = (
  result: InsideSystemResult,
  { unit, smallestGain }: { readonly unit: string; readonly smallestGain: number },
): Verdict.Gate<unknown> => ({
  name: "gain survives the rules",
  check: () => {
    const { system, alone, inside, survives, changed, ruled } = result;
    const { interval } = inside;
    const left = survives === null ? "" : `, ${percent(survives)} of what it gains alone`;
    const expected = `"${system}" to save at least ${number(smallestGain)} ${unit} by the model`;
    const found = `${number(inside.estimate)} ${unit}${within(interval)}${left} (${number(alone.estimate)}${within(alone.interval)}); rules decide ${percent(ruled)} of the rows, and the model changes ${percent(changed.inside)} of the decisions instead of ${percent(changed.alone)}`;
    if (interval !== null && interval.lower >= smallestGain) {
      return { outcome: "passed", expected, found, next: "Nothing to do." };
    }
    return interval !== null && interval.upper < smallestGain
      ? {
          outcome: "failed",
          expected,
          found,
          next: "What the model gains alone is on rows that rules decide. Look at what each rule saves, ask its owner about the one that costs most, and train and judge on the rows that are left to the model.",
        }
      : {
          outcome: "inconclusive",
          expected,
          found,
          next: "The interval reaches across the smallest gain, or there is none: judge on more blocks, or let the owner decide.",
        };
  },
});

/** Rules that cost more than they save, and those that never decide. */
export const findingsOf = (
  { system, rules }: InsideSystemResult,
  { unit, owner }: { readonly unit: string; readonly owner: string },
): ReadonlyArray<Finding.Finding> =>
  rules.flatMap(({ rule, share, saves }): ReadonlyArray<Finding.Finding> => {
    if (share === 0) {
      return [
        {
          check: `evaluate.idle-rule.${rule}`,
          severity: "info",
          owner,
          expected: `rows that "${rule}" decides`,
          found: "none in the test part",
          next: "Nothing is known of what it costs. Check that its column means what the rule thinks.",
        },
      ];
    }
    if (saves.interval === null || saves.interval.upper >= 0) return [];
    const { lower, upper } = saves.interval;
    const more = { estimate: -saves.estimate, interval: { lower: -upper, upper: -lower } };
    return [
      {
        check: `evaluate.costly-rule.${rule}`,
        severity: "warn",
        owner,
        expected: `"${rule}" to save something inside "${system}", or to be worth what it costs`,
        found: `${number(more.estimate)} ${unit} more than without it${within(more.interval)}, on ${percent(share)} of the rows`,
        next: "If the law or a promise asks for it, keep it and write down what it costs; else let the model decide these rows.",
      },
    ];
  });

/** The figure: what the model gains alone and inside, and what each rule saves. */
export const exhibitOf = (
  { system, alone, inside, rules }: InsideSystemResult,
  unit: string,
): Exhibit.Exhibit => ({
  _tag: "bar",
  title: `The model inside "${system}"`,
  caption: `per decision of all rows; rules that hold before the model is asked take their share of its gain (${counted(rules.length, "rule")})`,
  value: { label: unit },
  bars: [
    { name: "model alone", ...barOf(alone) },
    { name: "model inside", ...barOf(inside) },
    ...rules.map(({ rule, saves }) => ({ name: `rule: ${rule}`, ...barOf(saves) })),
  ],
});

const barOf = ({ estimate: value, interval }: typeof Estimate.Type) => ({
  value,
  ...(interval === null ? {} : { lower: interval.lower, upper: interval.upper }),
});
