/**
 * Rules: a decision by a formula a person could apply. The usual baseline of a charter, and deployable
 * like any model.
 */
import type { Charter, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Expr from "./Expr.ts";
import { toClosure, toSql, type ScalarRow } from "./internal/compile.ts";
import { problemsOf } from "./internal/kinds.ts";

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
): Charter.Baseline => {
  const { ast, availableAt } = options.when(Expr.columns(contract));
  const problems = [
    ...(availableAt === "decision"
      ? []
      : ["it uses a column that is known only after the decision"]),
    ...problemsOf(ast, ["boolean"]),
  ];
  if (problems.length > 0) {
    throw new RuleInvalid({ baseline: options.name, problem: problems.join("; ") });
  }
  const { name, description } = options;
  return { name, description, rule: Schema.encodeSync(Schema.toCodecJson(Expr.Ast))(ast) };
};

/** A baseline whose rule is not a formula over features. */
export class RuleInvalid extends Schema.TaggedError<RuleInvalid>()("RuleInvalid", {
  baseline: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `the baseline "${this.baseline}" cannot be evaluated: ${this.problem}. Make it with Rule.baseline.`;
  }
}

/** The rule of a baseline in both forms: SQL (1 or 0) and a closure over one row of features. */
export const compile = (
  baseline: Charter.Baseline,
): Effect.Effect<
  { readonly sql: string; readonly decide: (row: ScalarRow) => boolean },
  RuleInvalid
> =>
  Schema.decodeUnknownEffect(Expr.Ast)(baseline.rule).pipe(
    Effect.mapError(
      ({ message }) => new RuleInvalid({ baseline: baseline.name, problem: message }),
    ),
    Effect.flatMap((ast) => {
      const problems = [
        ...(Expr.historiesOf(ast).length === 0 ? [] : ["it contains a history"]),
        ...problemsOf(ast, ["boolean"]),
      ];
      return problems.length === 0
        ? Effect.succeed(ast)
        : Effect.fail(new RuleInvalid({ baseline: baseline.name, problem: problems.join("; ") }));
    }),
    Effect.map((ast) => {
      const closure = toClosure(ast, () => () => null);
      return {
        sql: `CAST(coalesce(${toSql(ast)}, FALSE) AS DOUBLE)`,
        decide: (row) => closure(row) === true,
      };
    }),
  );
