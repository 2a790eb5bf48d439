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
import type { LinearModel } from "./estimator/LinearModel.ts";
import type { Fitted, Output } from "./transform/spec.ts";
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

/** A rule as a model: what computes its answer, and what gives that back. */
export interface RuleModel {
  readonly estimator: LinearModel;
  readonly outputs: ReadonlyArray<Output>;
}

/** What a rule says where its formula has no answer, and of which classes one is chosen, if it chooses one. */
export type Otherwise =
  | { readonly value: number }
  | { readonly class: string; readonly classes: ReadonlyArray<string> };

/**
 * A rule as a model: 1 or 0 for yes or no, the number, or 1 for the class that it chooses and 0 for all
 * others. An answer that is none of the classes counts as none.
 *
 * @example
 * ```ts
 * import { type Expr, Rule } from "@ml-pipe/data";
 *
 * const model = (formula: Expr.Ast) => Rule.modelOf(formula, { value: 0 });
 * ```
 */
export const modelOf = (formula: Expr.Ast, otherwise: Otherwise): RuleModel => {
  if ("value" in otherwise) {
    return {
      estimator: asItIs("identity", [[1]], ["rule"], [otherwise.value]),
      outputs: [{ _tag: "formula", name: "rule", expr: formula }],
    };
  }
  const { classes } = otherwise;
  const of = (one: string) => classes.map((name) => Number(name === one));
  const outputs = classes.map((name): Output => {
    const none = Number(name === otherwise.class);
    return {
      _tag: "lookup",
      name: `rule=${name}`,
      of: formula,
      values: classes,
      numbers: of(name),
      missing: none,
      unknown: none,
    };
  });
  const names = outputs.map(({ name }) => name);
  // Of numbers so far apart the softmax is 1 and 0 to the last digit.
  const coefficients = classes.map((name) => of(name).map((one) => 1000 * one));
  const estimator = asItIs("softmax", coefficients, names, of(otherwise.class));
  return { estimator, outputs };
};

const asItIs = (
  link: LinearModel["link"],
  coefficients: LinearModel["coefficients"],
  features: ReadonlyArray<string>,
  imputation: ReadonlyArray<number>,
): LinearModel => ({
  _tag: "LinearModel",
  version: 1,
  link,
  features,
  intercepts: coefficients.map(() => 0),
  coefficients,
  mean: features.map(() => 0),
  sd: features.map(() => 1),
  imputation,
});

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
  if (estimator._tag !== "LinearModel" || calibration !== undefined) return false;
  const outputs = transform?.outputs ?? [];
  const [output] = outputs;
  if (output === undefined) return false;
  const [formula, otherwise]: readonly [Expr.Ast, Otherwise] =
    output._tag === "formula"
      ? [output.expr, { value: estimator.imputation[0] ?? 0 }]
      : [
          output.of,
          { class: output.values[estimator.imputation.indexOf(1)] ?? "", classes: output.values },
        ];
  const encoded = Schema.encodeSync(Schema.toCodecJson(Expr.Ast))(formula);
  return (
    Digest.ofJson(encoded) === Digest.ofJson(rule) &&
    Digest.ofJson({ estimator, outputs }) === Digest.ofJson(modelOf(formula, otherwise))
  );
};
