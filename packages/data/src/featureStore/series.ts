/**
 * Series: what a store keeps for histories of one family, or for a lookup. A series is named by what it
 * keeps, so that a history that is edited becomes another series, and a release goes on with the one that
 * it knows.
 */
import { Digest } from "@ml-pipe/core";
import { historiesOf, type HistoryAst } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { rowsOf } from "../featureSet/lookups.ts";
import { same } from "../History.ts";
import { lookedUp } from "../internal/ast.ts";
import { bucketNames, familiesOf, type Family } from "../internal/featureSql.ts";
import { lookupColumns } from "../internal/lookupSql.ts";
import type { Request } from "../internal/rowProgram.ts";
import type { LookupRows } from "../Lookup.ts";

/** See above. */
export interface Series {
  readonly id: string;
  readonly featureSet: string;
  readonly keeps: Keeps;
  /** The columns of a request that name the entity. */
  readonly by: ReadonlyArray<string>;
  /** The columns of a bucket, for each history or the lookup. */
  readonly columns: ReadonlyArray<ReadonlyArray<string>>;
  /** The features that are made of it. */
  readonly features: ReadonlyArray<string>;
  readonly hopMs: number;
  readonly windowHops: number;
  /** How many hops are kept: a window, and an hour or a hop for requests that were decided a while ago. */
  readonly keptHops: number;
}

/** What a series keeps. */
export type Keeps =
  | { readonly family: Family; readonly lookup?: never }
  | { readonly lookup: LookupRows; readonly family?: never };

/** The series that a feature set needs, in the order of its features. Found once for each set. */
export const seriesOf = (spec: FeatureSetSpec): ReadonlyArray<Series> => {
  const known = found.get(spec);
  if (known !== undefined) return known;
  const series = [
    ...familiesOf(spec).map((family) => ofFamily(spec, family)),
    ...rowsOf(spec).map((lookup) => ofLookup(spec, lookup)),
  ];
  found.set(spec, series);
  return series;
};

const found = new WeakMap<FeatureSetSpec, ReadonlyArray<Series>>();

const ofFamily = (spec: FeatureSetSpec, family: Family): Series => {
  const [{ by, hopMs, windowMs }] = family;
  const uses = (history: HistoryAst) => family.some((one) => same(one, history));
  return make(spec, {
    id: Digest.ofJson([spec.name, spec.source.name, spec.decidedAt ?? null, family]),
    keeps: { family },
    by,
    columns: family.map(bucketNames),
    features: spec.features
      .filter(({ expr }) => historiesOf(expr).some(uses))
      .map(({ name }) => name),
    hopMs,
    windowMs,
  });
};

const ofLookup = (spec: FeatureSetSpec, lookup: LookupRows): Series =>
  make(spec, {
    id: Digest.ofJson([spec.name, lookup.digest]),
    keeps: { lookup },
    by: lookup.spec.by.map(({ equals }) => equals),
    columns: [lookupColumns],
    features: spec.features
      .filter(({ expr }) => lookedUp(expr).some(({ of }) => of === lookup.name))
      .map(({ name }) => name),
    hopMs: lookup.spec.hopMs,
    windowMs: lookup.spec.toleranceMs,
  });

const make = (
  { name }: FeatureSetSpec,
  {
    id,
    windowMs,
    ...parts
  }: Pick<Series, "id" | "keeps" | "by" | "columns" | "features" | "hopMs"> & {
    readonly windowMs: number;
  },
): Series => ({
  ...parts,
  id: id.slice("sha256-".length, "sha256-".length + 32),
  featureSet: name,
  windowHops: windowMs / parts.hopMs,
  keptHops: windowMs / parts.hopMs + Math.max(1, Math.ceil(3_600_000 / parts.hopMs)),
});

/** The key of the entity that a row is of, by the columns that name it. */
export const entityOf = (by: ReadonlyArray<string>, row: Request): string =>
  JSON.stringify(by.map((name) => row[name] ?? null));
