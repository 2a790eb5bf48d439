/**
 * Rules: a formula that a person could apply, which decides, gives a number or names a class. The usual
 * baseline of a charter, and deployable like any model.
 */
import { type Charter, type Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Expr from "./Expr.ts";
import type { Calibration } from "./Calibration.ts";
import type { AnyEstimator } from "./estimator/AnyEstimator.ts";
import type { LabelKind } from "./FeatureSet.ts";
import type { Fitted } from "./transform/spec.ts";
import { toSql } from "./internal/compile.ts";
import { problemsOf } from "./internal/kinds.ts";
import { type Request, toCell } from "./internal/rowProgram.ts";

/**
 * A baseline that decides by a formula over the columns of a feature table. Where the formula has no
 * answer (null), the decision is no.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Rule } from "@ml-pipe/data";
 *
 * const Features = Contract.make("features", {
 *   version: "1", owner: "lab", columns: { hour: Column.float() },
 * });
 * const evening = Rule.baseline(Features, {
 *   name: "evening rule", description: "warn from 19:00 on", when: ($) => $.hour.gte(19),
 * });
 * ```
 */
export const baseline = <C extends Contract.Contract>(
  contract: C,
  options: {
    readonly name: string;
    readonly description: string;
    readonly when: ($: Expr.Columns<C>) => Expr.Expr<boolean, "decision">;
  },
): Charter.Baseline => make(options, options.when(Expr.columns(contract)), "boolean");

/**
 * A baseline that predicts a number by a formula. It must have an answer for every row: where the formula
 * may be null, end it with `orElse`.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Rule } from "@ml-pipe/data";
 *
 * const Features = Contract.make("features", {
 *   version: "1", owner: "lab", columns: { lastWeek: Column.float({ nullable: true }) },
 * });
 * const lastWeek = Rule.numberBaseline(Features, {
 *   name: "as last week", description: "order what was sold a week ago",
 *   value: ($) => $.lastWeek.orElse(0),
 * });
 * ```
 */
export const numberBaseline = <C extends Contract.Contract>(
  contract: C,
  options: {
    readonly name: string;
    readonly description: string;
    readonly value: ($: Expr.Columns<C>) => number | Expr.Expr<number, "decision">;
  },
): Charter.Baseline => make(options, options.value(Expr.columns(contract)), "number");

/**
 * A baseline that chooses a class by a formula. It must have an answer for every row.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr, Rule } from "@ml-pipe/data";
 *
 * const Features = Contract.make("features", {
 *   version: "1", owner: "lab", columns: { words: Column.float() },
 * });
 * const short = Rule.classBaseline(Features, {
 *   name: "by length", description: "short mails are questions",
 *   class: ($) => Expr.when($.words.lt(30), "question", "report"),
 * });
 * ```
 */
export const classBaseline = <C extends Contract.Contract>(
  contract: C,
  options: {
    readonly name: string;
    readonly description: string;
    readonly class: ($: Expr.Columns<C>) => string | Expr.Expr<string, "decision">;
  },
): Charter.Baseline => make(options, options.class(Expr.columns(contract)), "text");

const make = (
  { name, description }: Pick<Charter.Baseline, "name" | "description">,
  answer: number | string | Expr.Expr<unknown>,
  kind: LabelKind,
): Charter.Baseline => {
  const { ast, availableAt } = typeof answer === "object" ? answer : constant(answer);
  const problems = [
    ...(availableAt !== "outcome"
      ? []
      : ["it uses a column that is known only after the decision"]),
    ...problemsOf(ast, [kind]),
  ];
  if (problems.length > 0) {
    throw new RuleInvalid({ baseline: name, problem: problems.join("; ") });
  }
  return { name, description, rule: Schema.encodeSync(Schema.toCodecJson(Expr.Ast))(ast) };
};

const constant = (value: number | string): Pick<Expr.Expr<unknown>, "ast" | "availableAt"> => ({
  ast: { _tag: "literal", value },
  availableAt: "decision",
});

/** A baseline whose rule is not a formula over features. */
export class RuleInvalid extends Schema.TaggedError<RuleInvalid>()("RuleInvalid", {
  baseline: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `the baseline "${this.baseline}" cannot be evaluated: ${this.problem}. Make it with Rule.baseline for yes or no, Rule.numberBaseline for a number, Rule.classBaseline for a class.`;
  }
}

/** The rule of a yes/no baseline in both forms: SQL (1 or 0) and a closure over one row of features. */
export const compile = (
  baseline: Charter.Baseline,
): Effect.Effect<
  { readonly sql: string; readonly decide: (row: Request) => boolean },
  RuleInvalid
> =>
  Effect.map(formula(baseline, "boolean"), (ast) => {
    const closure = toCell(ast);
    return {
      sql: `CAST(coalesce(${toSql(ast)}, FALSE) AS DOUBLE)`,
      decide: (row) => closure(row) === 1,
    };
  });

/** The rule of a baseline that predicts a number or a class as SQL: null where it has no answer. */
export const predictionSql = (
  baseline: Charter.Baseline,
  kind: "number" | "text",
): Effect.Effect<string, RuleInvalid> =>
  Effect.map(formula(baseline, kind), (ast) =>
    kind === "number" ? `CAST(${toSql(ast)} AS DOUBLE)` : toSql(ast),
  );

/** The formula of a baseline, if it is one over features and gives what it should. */
export const formula = (
  baseline: Charter.Baseline,
  kind: LabelKind,
): Effect.Effect<Expr.Ast, RuleInvalid> =>
  Schema.decodeUnknownEffect(Expr.Ast)(baseline.rule).pipe(
    Effect.mapError(
      ({ message }) => new RuleInvalid({ baseline: baseline.name, problem: message }),
    ),
    Effect.flatMap((ast) => {
      const problems = [
        ...(Expr.historiesOf(ast).length === 0 ? [] : ["it contains a history"]),
        ...problemsOf(ast, [kind]),
      ];
      return problems.length === 0
        ? Effect.succeed(ast)
        : Effect.fail(new RuleInvalid({ baseline: baseline.name, problem: problems.join("; ") }));
    }),
  );

/**
 * Whether a model is a baseline and nothing else, as `Train.rule` makes it: what it gives is what the rule
 * gives.
 */
export const isBaseline = (
  {
    estimator,
    transform,
    calibration,
  }: {
    readonly estimator: AnyEstimator;
    readonly transform: Fitted | undefined;
    readonly calibration: Calibration | undefined;
  },
  { rule }: Charter.Baseline,
): boolean => {
  if (estimator._tag !== "LinearModel" || estimator.link !== "identity") return false;
  if (calibration !== undefined) return false;
  const { intercepts, coefficients, mean, sd } = estimator;
  const asItIs =
    [...intercepts, ...mean].every((zero) => zero === 0) && sd.every((one) => one === 1);
  const [output, ...others] = transform?.outputs ?? [];
  if (!asItIs || output?._tag !== "formula" || others.length > 0) return false;
  const encoded = Schema.encodeSync(Schema.toCodecJson(Expr.Ast))(output.expr);
  return coefficients[0]?.[0] === 1 && Digest.ofJson(encoded) === Digest.ofJson(rule);
};
