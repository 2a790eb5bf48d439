/**
 * Series: what a store keeps for histories of one family. A series is named by what it keeps, so that a
 * history that is edited becomes another series, and a release goes on with the one that it knows.
 */
import { Digest } from "@ml-pipe/core";
import { historiesOf, type HistoryAst } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { same } from "../History.ts";
import { bucketNames, familiesOf, type Family } from "../internal/featureSql.ts";
import type { Request } from "../internal/rowProgram.ts";

/** See above. */
export interface Series {
  readonly id: string;
  readonly featureSet: string;
  readonly family: Family;
  /** The columns of a bucket, for each history. */
  readonly columns: ReadonlyArray<ReadonlyArray<string>>;
  /** The features that are made of it. */
  readonly features: ReadonlyArray<string>;
  readonly hopMs: number;
  readonly windowHops: number;
  /** How many hops are kept: a window, and an hour or a hop for requests that were decided a while ago. */
  readonly keptHops: number;
}

/** The series that a feature set needs, in the order of its features. Found once for each set. */
export const seriesOf = (spec: FeatureSetSpec): ReadonlyArray<Series> => {
  const known = found.get(spec);
  if (known !== undefined) return known;
  const series = familiesOf(spec).map((family) => of(spec, family));
  found.set(spec, series);
  return series;
};

const found = new WeakMap<FeatureSetSpec, ReadonlyArray<Series>>();

const of = (spec: FeatureSetSpec, family: Family): Series => {
  const [{ hopMs, windowMs }] = family;
  const uses = (history: HistoryAst) => family.some((one) => same(one, history));
  const id = Digest.ofJson([spec.name, spec.source.name, spec.decidedAt ?? null, family]);
  return {
    id: id.slice("sha256-".length, "sha256-".length + 32),
    featureSet: spec.name,
    family,
    columns: family.map(bucketNames),
    features: spec.features
      .filter(({ expr }) => historiesOf(expr).some(uses))
      .map(({ name }) => name),
    hopMs,
    windowHops: windowMs / hopMs,
    keptHops: windowMs / hopMs + Math.max(1, Math.ceil(3_600_000 / hopMs)),
  };
};

/** The key of the entity that a row is of. */
export const entityOf = ({ family: [{ by }] }: Series, row: Request): string =>
  JSON.stringify(by.map((name) => row[name] ?? null));
