/**
 * Edits of features: where a name means something else than it did. A model decides by what its features
 * meant when it learned; the same name in the same version of a feature set must not mean anything else.
 */
import * as Schema from "effect/Schema";
import type { FeatureSetSpec } from "./FeatureSet.ts";
import { type Ast, columnsOf } from "./internal/ast.ts";
import { textOf } from "./internal/astText.ts";

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

/** The formula, and what its columns hold. */
const meaningOf = (expr: Ast, { source }: FeatureSetSpec): string => {
  const columns = [...columnsOf(expr)].toSorted().map((name) => {
    const { type = "unknown", unit } = source.columns[name] ?? {};
    return `${name}: ${type}${unit === undefined ? "" : ` in ${unit}`}`;
  });
  return columns.length === 0 ? textOf(expr) : `${textOf(expr)} with ${columns.join(", ")}`;
};
