/**
 * Edits of features: where a name means something else than it did. A model decides by what its features
 * meant when it learned; the same name in the same version of a feature set must not mean anything else.
 */
import type { Column } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import type { FeatureSetSpec } from "./FeatureSet.ts";
import { type Ast, columnsOf, lookedUp } from "./internal/ast.ts";
import { lookupText, textOf } from "./internal/astText.ts";

/** What changed about one feature, in words; `feature` is `label` for what the model predicts. */
export const FeatureEdit = Schema.Struct({
  feature: Schema.String,
  was: Schema.String,
  is: Schema.String,
});
/** See {@link FeatureEdit}. */
export type FeatureEdit = typeof FeatureEdit.Type;

/**
 * The features of both that do not mean the same: another formula, or a column in it with another type or
 * unit. The label and the moment of the decision count too. Features that are new or gone are no edits:
 * whoever reads the old ones is not misled.
 *
 * @example
 * ```ts
 * import { FeatureEdit, type FeatureSet } from "@ml-pipe/data";
 *
 * const isSame = (served: FeatureSet.FeatureSet, now: FeatureSet.FeatureSet): boolean =>
 *   FeatureEdit.between(served.spec, now.spec).length === 0;
 * ```
 */
export const between = (
  served: FeatureSetSpec,
  now: FeatureSetSpec,
): ReadonlyArray<FeatureEdit> => {
  const meanings = meaningsOf(now);
  return [...meaningsOf(served)].flatMap(([feature, was]) => {
    const is = meanings.get(feature);
    return is === undefined || is === was ? [] : [{ feature, was, is }];
  });
};

const meaningsOf = (spec: FeatureSetSpec): ReadonlyMap<string, string> =>
  new Map([
    ...spec.features.map(({ name, expr }) => [name, meaningOf(expr, spec)] as const),
    ["label", meaningOf(spec.label, spec)],
    ["decidedAt", spec.decidedAt ?? "no moment"],
  ]);

/** The formula, what its columns hold, and how its lookups are made. */
const meaningOf = (expr: Ast, { source, lookups = {} }: FeatureSetSpec): string => {
  const found = lookedUp(expr);
  const columns = new Set([
    ...[...columnsOf(expr)].toSorted().map((name) => `${name}: ${typeOf(source.columns[name])}`),
    ...found
      .map(({ of, name }) => `${of}.${name}: ${typeOf(lookups[of]?.contract.columns[name])}`)
      .toSorted(),
  ]);
  const rows = [...new Set(found.map(({ of }) => of))].toSorted().flatMap((name) => {
    const lookup = lookups[name];
    return lookup === undefined ? [] : [`${name} is ${lookupText(lookup)}`];
  });
  const holds = columns.size === 0 ? "" : ` with ${[...columns].join(", ")}`;
  return [`${textOf(expr)}${holds}`, ...rows].join("; ");
};

const typeOf = ({ type, unit }: Partial<Column.ColumnSpec> = {}): string =>
  `${type ?? "unknown"}${unit === undefined ? "" : ` in ${unit}`}`;
