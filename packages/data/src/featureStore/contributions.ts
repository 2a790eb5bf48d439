/** What a row adds to a series, and the rule by which it does so once. */
import { createHash } from "node:crypto";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { aggregateOf, type Bucket } from "../internal/aggregates.ts";
import { decisionTime } from "../internal/compile.ts";
import { type Request, toNumbers } from "../internal/rowProgram.ts";
import { entityOf, type Series } from "./series.ts";
import type { Head, StoredBucket } from "./shape.ts";

/** What a row adds to a series. */
export interface Contribution {
  /** Names the event: a row with the same name is the same event. */
  readonly event: string;
  /** A digest of all that it adds. */
  readonly content: string;
  readonly entity: string;
  /** The hop in which it became known; null if it is not known yet. */
  readonly hop: number | null;
  /** The value for each history of the series. */
  readonly values: ReadonlyArray<number | null>;
  /** When it was decided (epoch milliseconds). */
  readonly at: number;
}

/**
 * What became of a contribution: `applied`; `repeated`, because it had been before; `covered`, because
 * its hop is that of a batch; `changed`, because it had been applied with another content, and is left as
 * it was; `unknown`, because its outcome is not known yet.
 */
export type Outcome = "applied" | "repeated" | "covered" | "changed" | "unknown";

/** Makes the contribution of a row to a series. The event is known by its key, else by all of the row. */
export const contributionOf = (
  spec: Pick<FeatureSetSpec, "decidedAt" | "source">,
  series: Series,
): ((row: Request) => Contribution) => {
  const [{ knownAt, hopMs }] = series.family;
  const numbers = toNumbers([decisionTime(spec), knownAt, ...series.family.map(({ of }) => of)]);
  const key = spec.source.key ?? Object.keys(spec.source.columns);
  return (row) => {
    const [at = Number.NaN, known = Number.NaN, ...values] = numbers(row);
    // As in SQL: an outcome counts as known at its decision at the earliest, and never without one.
    const hop = Math.floor(Math.max(at, known) / hopMs);
    const contribution = {
      entity: entityOf(series, row),
      hop: Number.isNaN(hop) ? null : hop,
      values: values.map((value) => (Number.isNaN(value) ? null : value)),
      at,
    };
    return {
      ...contribution,
      event: digest(key.map((name) => row[name] ?? null)),
      content: digest(contribution),
    };
  };
};

/** The first 96 bits of SHA-256: of a billion events two are the same with a chance of 10⁻¹¹. */
const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 16);

/** What is stored already. */
export interface Stored {
  /** The content with which an event was applied. */
  readonly content: (event: string) => string | undefined;
  readonly bucket: (entity: string, hop: number) => ReadonlyArray<Bucket> | undefined;
}

/** What to store. */
export interface Applied {
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly events: ReadonlyArray<Contribution & { readonly hop: number }>;
  readonly buckets: ReadonlyArray<StoredBucket>;
}

/** Applies contributions to what is stored, each event once. */
export const applyAll = (
  series: Series,
  head: Head,
  contributions: ReadonlyArray<Contribution>,
  stored: Stored,
): Applied => {
  const contents = new Map<string, string>();
  const buckets = new Map<string, StoredBucket>();
  const events: Array<Contribution & { readonly hop: number }> = [];
  const bucketOf = (entity: string, hop: number): StoredBucket => {
    const name = `${hop} ${entity}`;
    const found = buckets.get(name);
    if (found !== undefined) return found;
    const columns = stored.bucket(entity, hop) ?? emptyBucket(series);
    const bucket = { entity, hop, columns: columns.map((one) => ({ ...one })) };
    buckets.set(name, bucket);
    return bucket;
  };
  const outcomes = contributions.map((contribution): Outcome => {
    const { event, content, entity, hop, values, at } = contribution;
    if (hop === null) return "unknown";
    if (hop < Math.max(head.batchHop, head.fromHop)) return "covered";
    const before = contents.get(event) ?? stored.content(event);
    if (before !== undefined) return before === content ? "repeated" : "changed";
    contents.set(event, content);
    events.push({ ...contribution, hop });
    const { columns } = bucketOf(entity, hop);
    for (const [index, { aggregate }] of series.family.entries()) {
      const [value, bucket] = [values[index] ?? null, columns[index]];
      if (value !== null && bucket !== undefined) aggregateOf(aggregate).add(bucket, { value, at });
    }
    return "applied";
  });
  return { outcomes, events, buckets: [...buckets.values()] };
};

const emptyBucket = ({ family }: Series): ReadonlyArray<Bucket> =>
  family.map(({ aggregate }) => ({ ...aggregateOf(aggregate).empty }));

/** How far a series reaches after rows were appended. */
export const advanced = (series: Series, head: Head, knownUntil: number | undefined): Head => {
  const known = Math.max(head.knownUntil, knownUntil ?? -Infinity);
  const fromHop = Math.floor(known / series.hopMs) - series.keptHops;
  return { ...head, knownUntil: known, fromHop: Math.max(head.fromHop, fromHop) };
};

/** How far a series reaches after a batch: never less far than before. */
export const farther = (before: Head, head: Head): Head => ({
  fromHop: Math.max(before.fromHop, head.fromHop),
  batchHop: Math.max(before.batchHop, head.batchHop),
  knownUntil: Math.max(before.knownUntil, head.knownUntil),
});
