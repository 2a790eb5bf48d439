/** Systems as data: what is merged, by which rules, and what of it would mean nothing. */
import { type Contract, Digest } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import * as Expr from "../Expr.ts";
import { problemsOf } from "../internal/kinds.ts";
import type { Catalogue } from "./Catalogue.ts";

/** A rule of the business, as data. */
export const Rule = Schema.Union([
  Schema.TaggedStruct("hide", { when: Expr.Ast }),
  Schema.TaggedStruct("boost", { when: Expr.Ast, by: Schema.Finite }),
  Schema.TaggedStruct("cap", { by: Expr.Ast, atMost: Schema.Int }),
]);
/** See {@link Rule}. */
export type Rule = typeof Rule.Type;

/**
 * How scores of sources become one. With r the rank and s the score that source i with weight w gives an
 * item of a user:
 * - `rank-fusion`: Σ w / (60 + r), which needs no comparable scores (Cormack, Clarke & Büttcher, SIGIR 2009);
 * - `weighted`: Σ w · (s − min) / (max − min), over the user's candidates of the source (min-max CombSUM: Fox &
 *   Shaw, TREC-2 1994);
 * - `interleave`: places are dealt out in proportion to the weights, each source's items in its own order; an
 *   item that several propose takes its first place.
 */
export const Blend = Schema.Literals(["rank-fusion", "weighted", "interleave"]);
/** See {@link Blend}. */
export type Blend = typeof Blend.Type;

/** A system as data. */
export const SystemSpec = Schema.Struct({
  name: Schema.String,
  interactions: Digest.Digest,
  catalogue: Schema.NullOr(Digest.Digest),
  /** In the order in which ties between their contributions are decided. */
  sources: Schema.Array(Schema.Struct({ name: Schema.String, weight: Schema.Finite })),
  blend: Blend,
  rules: Schema.Array(Rule),
  diversify: Schema.NullOr(
    Schema.Struct({ by: Schema.String, separator: Schema.String, relevance: Schema.Finite }),
  ),
  length: Schema.Int,
});
/** See {@link SystemSpec}. */
export type SystemSpec = typeof SystemSpec.Type;

/** Inputs of stages that run a system, beside its sources. */
const reserved = new Set([
  "train",
  "items",
  "data",
  "baseline",
  "signals",
  "lists",
  "verdict",
  "approval",
]);

/** What is wrong with a system; empty if it is sound. */
export const problems = (
  { sources, rules, diversify, length }: SystemSpec,
  items: Catalogue<Contract.Contract> | undefined,
): ReadonlyArray<string> => [
  ...(sources.length === 0 ? ["it has no sources"] : []),
  ...sources.flatMap(({ name, weight }) => [
    ...(reserved.has(name) ? [`"${name}" is an input of its own; call the source otherwise`] : []),
    ...(Number.isFinite(weight) && weight > 0
      ? []
      : [`the weight of "${name}" is ${weight}; give a number above 0`]),
  ]),
  ...(Number.isSafeInteger(length) && length >= 1
    ? []
    : [`the length is ${length}; give a whole number of places`]),
  ...rules.flatMap((rule) =>
    rule._tag === "cap"
      ? [
          ...problemsOf(rule.by, ["number", "text"]),
          ...(Number.isSafeInteger(rule.atMost) && rule.atMost >= 1
            ? []
            : [`a cap of ${rule.atMost}; give a whole number of places`]),
        ]
      : [
          ...problemsOf(rule.when, ["boolean"]),
          ...(rule._tag === "hide" || (Number.isFinite(rule.by) && rule.by > 0)
            ? []
            : [`a boost by ${rule.by}; give a number above 0`]),
        ],
  ),
  ...(diversify === null
    ? []
    : items?.contract.spec.columns[diversify.by] === undefined
      ? [`there is no column "${diversify.by}" to tell items apart by; name the catalogue`]
      : diversify.relevance > 0 && diversify.relevance < 1
        ? []
        : [`relevance is ${diversify.relevance}; give a number above 0 and below 1`]),
];
