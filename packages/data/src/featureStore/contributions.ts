/** What a row adds to a series, and the rule by which it does so once. */
import { createHash } from "node:crypto";
import type { Contract } from "@ml-pipe/core";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { aggregateOf, type Bucket } from "../internal/aggregates.ts";
import { decisionTime } from "../internal/compile.ts";
import { withoutLookup } from "../internal/lookupSql.ts";
import { type Request, toCells, toNumbers } from "../internal/rowProgram.ts";
import type { LookupRows } from "../Lookup.ts";
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
  /** The value for each history of the series; of a lookup its cells, as JSON. */
  readonly values: ReadonlyArray<number | string | null>;
  /** When it was decided, or happened (epoch milliseconds). */
  readonly at: number;
  /** When it became known, as it says itself: that may be before it happened. */
  readonly known: number;
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
  { keeps, by }: Series,
): ((row: Request) => Contribution) => {
  if (keeps.lookup !== undefined) return lookupContribution(keeps.lookup);
  const { family } = keeps;
  const [{ knownAt, hopMs }] = family;
  const numbers = toNumbers([decisionTime(spec), knownAt, ...family.map(({ of }) => of)]);
  const nameOf = eventName(spec.source);
  return (row) => {
    const [at = Number.NaN, claimed = Number.NaN, ...values] = numbers(row);
    return contribution(
      nameOf(row),
      { at, claimed, hopMs },
      {
        entity: entityOf(by, row),
        values: values.map((value) => (Number.isNaN(value) ? null : value)),
      },
    );
  };
};

/** A row of another table: what is found of it are the cells that features read. */
const lookupContribution = ({
  spec: { contract, by, knownAt, hopMs },
  columns,
}: LookupRows): ((row: Request) => Contribution) => {
  const times = toNumbers([decisionTime({ decidedAt: contract.eventTime ?? "" }), knownAt]);
  const cells = toCells(columns.map(withoutLookup));
  const theirs = by.map(({ column }) => column);
  const nameOf = eventName(contract);
  return (row) => {
    const [at = Number.NaN, claimed = Number.NaN] = times(row);
    const isNamed = theirs.every((name) => row[name] !== null && row[name] !== undefined);
    return contribution(
      nameOf(row),
      { at: isNamed ? at : Number.NaN, claimed, hopMs },
      {
        entity: entityOf(theirs, row),
        values: [JSON.stringify(cells(row))],
      },
    );
  };
};

const eventName = ({ key, columns }: Contract.ContractSpec): ((row: Request) => string) => {
  const names = key ?? Object.keys(columns);
  return (row) => digest(names.map((name) => row[name] ?? null));
};

const contribution = (
  event: string,
  time: { readonly at: number; readonly claimed: number; readonly hopMs: number },
  { entity, values }: Pick<Contribution, "entity" | "values">,
): Contribution => {
  // As in SQL: an outcome counts as known at its decision at the earliest, and never without one.
  const hop = Math.floor(Math.max(time.at, time.claimed) / time.hopMs);
  const adds = { entity, hop: Number.isNaN(hop) ? null : hop, values, at: time.at };
  return { ...adds, known: time.claimed, event, content: digest(adds) };
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
    const { event, content, entity, hop } = contribution;
    if (hop === null) return "unknown";
    if (hop < Math.max(head.batchHop, head.fromHop)) return "covered";
    const before = contents.get(event) ?? stored.content(event);
    if (before !== undefined) return before === content ? "repeated" : "changed";
    contents.set(event, content);
    events.push({ ...contribution, hop });
    add(series, bucketOf(entity, hop).columns, contribution);
    return "applied";
  });
  return { outcomes, events, buckets: [...buckets.values()] };
};

const emptyBucket = ({ keeps: { family } }: Series): ReadonlyArray<Bucket> =>
  family === undefined
    ? [{}]
    : family.map(({ aggregate }) => ({ ...aggregateOf(aggregate).empty }));

const add = (
  { keeps: { family } }: Series,
  buckets: ReadonlyArray<Bucket>,
  { values, at, known }: Contribution,
): void => {
  for (const [index, bucket] of buckets.entries()) {
    const value = values[index] ?? null;
    const history = family?.[index];
    if (history === undefined) addRow(bucket, { event: at, known, row: value });
    else if (typeof value === "number") aggregateOf(history.aggregate).add(bucket, { value, at });
  }
};

/** Keeps the newer row: the later event, or the later word on it. */
const addRow = (
  bucket: Bucket,
  row: { readonly event: number; readonly known: number; readonly row: string | number | null },
): void => {
  const [event, known] = [bucket["event"], bucket["known"]];
  const isNewer =
    typeof event !== "number" ||
    typeof known !== "number" ||
    row.event > event ||
    (row.event === event && row.known > known);
  if (isNewer) Object.assign(bucket, row);
};

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
