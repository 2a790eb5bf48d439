/**
 * Systems that decide: a model's yes or no, and the rules of the product around it that overrule it, such as who is
 * never asked and what is always checked. A system is data, digested like a feature set, so that a model can be
 * judged inside the product that it would serve in. Those that recommend are `System`.
 */
import { type Contract, Digest } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import * as Expr from "./Expr.ts";
import type { FeatureSet, Labelled } from "./FeatureSet.ts";
import { toSql } from "./internal/compile.ts";
import { problemsOf } from "./internal/kinds.ts";
import { type Request, toCells } from "./internal/rowProgram.ts";

/** A rule that decides by itself. */
export const Override = Schema.Struct({
  name: Schema.String,
  when: Expr.Ast,
  /** What it decides: act, or not. */
  act: Schema.Boolean,
});
/** See {@link Override}. */
export type Override = typeof Override.Type;

/** A system as data. */
export const DecisionSystemSpec = Schema.Struct({
  name: Schema.String,
  featureSet: Digest.Digest,
  /** In order: the first that holds decides. */
  rules: Schema.Array(Override),
});
/** See {@link DecisionSystemSpec}. */
export type DecisionSystemSpec = typeof DecisionSystemSpec.Type;

/** A system around models of a feature set. */
export interface DecisionSystem {
  readonly name: string;
  readonly spec: DecisionSystemSpec;
  readonly digest: Digest.Digest;
}

/** What rules read: the kept columns of a feature set, which a request has, too. */
export type Kept<C extends Contract.Contract, Out extends Contract.Contract> = Pick<
  Expr.Columns<C>,
  keyof C["columns"] & keyof Out["columns"]
>;

/**
 * Makes a system of a feature set and rules over the columns that it keeps. Throws a `TypeError` for a system
 * without rules, two rules of one name, and a rule over a column that is not kept.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { DecisionSystem, FeatureSet } from "@ml-pipe/data";
 *
 * const Payment = Contract.make("payment", {
 *   version: "1", owner: "payments",
 *   columns: {
 *     amount: Column.float(), trusted: Column.boolean(), fraud: Column.boolean({ availableAt: "outcome" }),
 *   },
 * });
 * const Payments = FeatureSet.make("payments", {
 *   version: "1", of: Payment, keep: ["amount", "trusted"],
 *   features: ($) => ({ size: $.amount }), label: ($) => $.fraud,
 * });
 * const Checks = DecisionSystem.make("card checks", Payments, ($) => [
 *   DecisionSystem.always("above the limit", $.amount.gt(10_000)),
 *   DecisionSystem.never("trusted merchant", $.trusted),
 * ]);
 * const decided = DecisionSystem.overrule(Checks)({ amount: 20_000, trusted: true });
 * // { name: "above the limit", act: true }
 * ```
 */
export const make = <C extends Contract.Contract, Out extends Labelled<boolean>>(
  name: string,
  set: FeatureSet<C, Out>,
  rules: ($: Kept<C, Out>) => ReadonlyArray<Override>,
): DecisionSystem => {
  const spec = { name, featureSet: set.digest, rules: rules(Expr.columns(set.source)) };
  const kept = new Set(set.spec.keep);
  const names = spec.rules.map((rule) => rule.name);
  const problems = [
    ...(names.length === 0 ? ["it has no rules"] : []),
    ...(new Set(names).size === names.length ? [] : ["two rules have one name"]),
    ...spec.rules.flatMap(({ name: rule, when }) => [
      ...[...Expr.columnsOf(when)]
        .filter((column) => !kept.has(column))
        .map((column) => `the rule "${rule}" reads "${column}"; add it to keep of the feature set`),
      ...(Expr.historiesOf(when).length === 0 ? [] : [`the rule "${rule}" has a history`]),
      ...problemsOf(when, ["boolean"]).map((problem) => `the rule "${rule}": ${problem}`),
    ]),
  ];
  if (problems.length > 0) throw new TypeError(`system "${name}": ${problems.join("; ")}`);
  return { name, spec, digest: Digest.ofJson(spec) };
};

/**
 * A rule that acts where its condition holds, whatever the model says. Where it has no answer, it does not apply.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { DecisionSystem, Expr } from "@ml-pipe/data";
 *
 * const Payment = Contract.make("payment", { version: "1", owner: "pay", columns: { amount: Column.float() } });
 * const rule = DecisionSystem.always("above the limit", Expr.columns(Payment).amount.gt(10_000));
 * ```
 */
export const always = (name: string, when: Expr.Expr<boolean, "decision">): Override => ({
  name,
  when: when.ast,
  act: true,
});

/**
 * A rule that does not act where its condition holds, whatever the model says. Where it has no answer, it does not
 * apply.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { DecisionSystem, Expr } from "@ml-pipe/data";
 *
 * const Payment = Contract.make("payment", { version: "1", owner: "pay", columns: { trusted: Column.boolean() } });
 * const rule = DecisionSystem.never("trusted merchant", Expr.columns(Payment).trusted);
 * ```
 */
export const never = (name: string, when: Expr.Expr<boolean, "decision">): Override => ({
  name,
  when: when.ast,
  act: false,
});

/** For each rule whether it applies to a row of the feature table, in SQL: 1 or 0. */
export const rulesSql = ({ spec }: DecisionSystem): ReadonlyArray<string> =>
  spec.rules.map(({ when }) => `CAST(coalesce(${toSql(when)}, FALSE) AS DOUBLE)`);

/**
 * What decides a request instead of the model, for the service that asks it: the first rule that applies, or
 * undefined where the model decides. A request is decoded: instants are dates.
 *
 * @example
 * ```ts
 * import { DecisionSystem } from "@ml-pipe/data";
 *
 * const decide = (system: DecisionSystem.DecisionSystem) => {
 *   const overrule = DecisionSystem.overrule(system);
 *   return (request: { readonly [column: string]: unknown }, model: boolean) =>
 *     overrule(request)?.act ?? model;
 * };
 * ```
 */
export const overrule = ({
  spec,
}: DecisionSystem): ((request: Request) => Pick<Override, "name" | "act"> | undefined) => {
  const { rules } = spec;
  const values = toCells(rules.map(({ when }) => when));
  return (request) => {
    const applies = values(request);
    const first = rules.find((_, at) => applies[at] === 1);
    return first === undefined ? undefined : { name: first.name, act: first.act };
  };
};
