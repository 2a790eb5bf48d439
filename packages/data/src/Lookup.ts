/**
 * Lookups: the newest row of another table about the same thing, as it could be known at the decision.
 * What a feature set declares as a lookup, its features use as columns.
 *
 * Two times matter: when a row's event happened and from when on it could be read. A lookup takes in only
 * what was known before the last full hop before the decision, as a {@link History} does, so that a batch
 * and a service that is kept fresh once a hop find the same row. The newest is the latest event; of
 * corrections of one event, the one known latest. Nothing is found where its event is older than
 * `tolerance`, counted back from that hop; a missing key finds nothing.
 */
import { type Artifact, Contract, Digest } from "@ml-pipe/core";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Expr from "./Expr.ts";
import type { FeatureSetSpec } from "./FeatureSet.ts";
import type { LookedUpAst } from "./internal/ast.ts";
import {
  type Buckets,
  EntityBuckets,
  entityIndex,
  firstAtOrAfter,
} from "./internal/historyIndex.ts";
import { type FoundCells, type Request, toCell } from "./internal/rowProgram.ts";
import * as Table from "./Table.ts";

/** A contract whose rows have an event time. */
type Timed = Contract.Contract<string, Contract.Columns, string>;

/** A lookup as data. */
export const LookupSpec = Schema.Struct({
  /** The contract of the other table. */
  contract: Contract.ContractSpec,
  /** Columns of the other table, each with the column of the row whose value it must have. */
  by: Schema.Array(Schema.Struct({ column: Schema.String, equals: Schema.String })),
  /** From when on a row of the other table could be read. */
  knownAt: Expr.Ast,
  /** How old what is found may be, a multiple of `hopMs`. */
  toleranceMs: Schema.Int.check(Schema.isGreaterThan(0)),
  hopMs: Schema.Int.check(Schema.isGreaterThan(0)),
});
/** See {@link LookupSpec}. */
export type LookupSpec = typeof LookupSpec.Type;

/** A lookup in the table under contract `R`. */
export interface Lookup<out R extends Timed = Timed> {
  readonly contract: R;
  readonly spec: LookupSpec;
}

/** Lookups by name. */
export type Lookups = { readonly [name: string]: Lookup };

/** The columns of what lookups find, as expressions: they depend on the entity and the time alone. */
export type Found<Ls extends Lookups> = {
  readonly [K in keyof Ls]: {
    readonly [P in keyof Ls[K]["contract"]["columns"]]: Expr.OfType<
      Contract.Row<Ls[K]["contract"]>[P & keyof Contract.Row<Ls[K]["contract"]>],
      "stored"
    >;
  };
};

/** The tables of lookups, by the names of the lookups. */
export type Tables<Ls extends Lookups> = {
  readonly [K in keyof Ls]: Table.Table<Ls[K]["contract"], "checked">;
};

/** The type of a key, without its limits. */
type Key<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : never;

/** How a row is found. */
export interface LookupOptions<R extends Timed> {
  /**
   * Columns of the other table, each with the column of the row that it must equal; known at the
   * decision. None: all of the other table is about one thing.
   */
  readonly by: {
    readonly [K in keyof R["columns"] & string]?: Expr.Expr<
      Key<NonNullable<Contract.Row<R>[K]>>,
      "decision"
    >;
  };
  /**
   * From when on a row could be read. Default: the contract's `knownAt`, else its event time. Never
   * before the event, whatever this says, and of the rows of the feature set's own source never before
   * their decision. What is to be left out for a while after its event is said
   * here too: `($) => $.at.plusMinutes(60)`.
   */
  readonly knownAt?: ($: Expr.Columns<R>) => Expr.TimeExpr;
  /** How old what is found may be, a multiple of `hop`. A store keeps rows for as long. */
  readonly tolerance: Duration.Input;
  /** How often what is found may change: the state of a service is brought up to date as often. */
  readonly hop: Duration.Input;
}

/**
 * A lookup of the newest row. The contract's key says that there is one row for each entity, event and
 * known-at time, so that none is a matter of chance: a contract without such a key is refused, with a
 * `TypeError`, when the feature set is made.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { FeatureSet, Lookup } from "@ml-pipe/data";
 *
 * const Flight = Contract.make("flight", {
 *   version: "1", owner: "operations", eventTime: "at",
 *   columns: {
 *     at: Column.timestamp(), origin: Column.string(),
 *     delay: Column.int({ unit: "min", availableAt: "outcome" }),
 *   },
 * });
 * const Weather = Contract.make("weather", {
 *   version: "1", owner: "meteo", eventTime: "observedAt", knownAt: "loadedAt",
 *   key: ["airport", "observedAt", "loadedAt"],
 *   columns: {
 *     airport: Column.string(), observedAt: Column.timestamp(), loadedAt: Column.timestamp(),
 *     wind: Column.float({ unit: "km/h" }), sky: Column.string(),
 *   },
 * });
 * const FlightFeatures = FeatureSet.make("flight-features", {
 *   version: "1", of: Flight, decidedAt: "at",
 *   lookups: ($) => ({
 *     weather: Lookup.newest(Weather, {
 *       by: { airport: $.origin }, tolerance: "6 hours", hop: "1 hour",
 *     }),
 *   }),
 *   features: ($, { weather }) => ({
 *     wind: weather.wind,
 *     fog: weather.sky.equals("fog"),
 *     age: weather.observedAt.minutesUntil($.at),
 *   }),
 *   label: ($) => $.delay.gt(15),
 * });
 * ```
 */
export const newest = <R extends Timed>(contract: R, options: LookupOptions<R>): Lookup<R> => {
  const by = Object.entries<Expr.Expr<unknown> | undefined>(options.by).flatMap(
    ([column, ours]) => {
      if (ours === undefined) return [];
      const { ast } = ours;
      if (ast._tag !== "column" || ast.path !== undefined) {
        throw new TypeError(
          `a lookup of ${contract.name} goes by whole columns, not by formulas: give "${column}" a column of the row`,
        );
      }
      return [{ column, equals: ast.name }];
    },
  );
  const [toleranceMs = 0, hopMs = 0] = [options.tolerance, options.hop].map((input) =>
    Duration.toMillis(Duration.fromInputUnsafe(input)),
  );
  const column = contract.spec.knownAt ?? contract.eventTime;
  const knownAt =
    options.knownAt === undefined
      ? timeColumn(column)
      : options.knownAt(Expr.columns(contract)).ast;
  return { contract, spec: { contract: contract.spec, by, knownAt, toleranceMs, hopMs } };
};

const timeColumn = (name: string): Expr.Ast => ({ _tag: "column", name, type: "timestamp" });

/** The inputs of a stage that computes a feature set with these lookups: checked tables by their names. */
export const inputs = <Ls extends Lookups>(
  lookups: Ls,
): { readonly [K in keyof Ls]: Schema.Codec<Tables<Ls>[K], unknown> } => {
  const fields: { readonly [name: string]: unknown } = Object.fromEntries(
    Object.entries(lookups).map(([name, { contract }]) => [name, Table.of(contract, "checked")]),
  );
  // Each is the schema of tables under the lookup's own contract.
  return fields as { readonly [K in keyof Ls]: Schema.Codec<Tables<Ls>[K], unknown> };
};

/**
 * The relations of lookups in SQL. A table that is not given, or that is under another contract, is a
 * mistake of the caller: a `TypeError`.
 */
export const relations = (
  { lookups = {} }: Pick<FeatureSetSpec, "lookups">,
  tables: { readonly [name: string]: Table.AnyTable },
): Effect.Effect<{ readonly [name: string]: string }, Table.ReadError, Artifact.ArtifactStore> =>
  Effect.map(
    Effect.forEach(Object.entries(lookups), ([name, { contract }]) => {
      const table = tables[name];
      if (table === undefined) throw new TypeError(`there is no table of the lookup "${name}"`);
      if (table.contract.digest !== Digest.ofJson(contract)) {
        throw new TypeError(
          `the table of the lookup "${name}" is under the contract "${table.contract.name}" ${table.contract.version}, not under the "${contract.name}" ${contract.version} of the feature set`,
        );
      }
      return Effect.map(Table.relation(table), (relation) => [name, relation] as const);
    }),
    Object.fromEntries,
  );

/** The newest row that a service needs of each entity, with the columns that features read. */
export const LookupState = Schema.Struct({
  /** The digest of the {@link LookupRows}. */
  lookup: Digest.Digest,
  entities: Schema.Array(EntityBuckets),
});
/** See {@link LookupState}. */
export type LookupState = typeof LookupState.Type;

/** Which rows are kept: of which lookup, and which of their columns. */
export interface LookupRows {
  readonly name: string;
  readonly spec: LookupSpec;
  readonly columns: ReadonlyArray<LookedUpAst>;
  /** Of what is kept and how it is found: the rest of the contract may change. */
  readonly digest: Digest.Digest;
}

/** Where rows are looked up: a state, or whatever finds the buckets of the row's entity. */
export type LookupSource =
  | LookupState
  | {
      readonly lookup: Digest.Digest;
      readonly bucketsOf: (row: Request) => Buckets | "unavailable" | undefined;
    };

/**
 * A lookup in a state: the closure that finds the cells of `columns` when one row is served. Without a
 * state nothing is found.
 */
export const find = (
  { spec: { by, toleranceMs, hopMs } }: LookupRows,
  source: LookupSource | undefined,
  decidedAt: Expr.Ast,
): ((row: Request) => FoundCells | undefined) => {
  if (source === undefined) return () => undefined;
  const bucketsOf =
    "bucketsOf" in source
      ? source.bucketsOf
      : entityIndex(
          by.map(({ equals }) => equals),
          source,
        );
  const hops = toleranceMs / hopMs;
  const time = toCell(decidedAt);
  return (row) => {
    const at = time(row);
    if (typeof at !== "number" || Number.isNaN(at)) return undefined;
    const found = bucketsOf(row);
    if (found === "unavailable" || found === undefined) return undefined;
    const end = Math.floor(at / hopMs);
    const [events, known] = [found.column("event"), found.column("known")];
    const numberIn = (values: typeof events, index: number): number => {
      const value = values[index];
      return typeof value === "number" ? value : Number.NaN;
    };
    const to = firstAtOrAfter(found.hop, end);
    let [best, bestEvent, bestKnown] = [-1, -Infinity, -Infinity];
    for (let index = firstAtOrAfter(found.hop, end - hops); index < to; index++) {
      const [event, since] = [numberIn(events, index), numberIn(known, index)];
      if (event > bestEvent || (event === bestEvent && since > bestKnown)) {
        [best, bestEvent, bestKnown] = [index, event, since];
      }
    }
    if (!(bestEvent >= (end - hops) * hopMs)) return undefined;
    const text = found.text("row", best);
    const cells: unknown = text === undefined ? undefined : JSON.parse(text);
    return Array.isArray(cells) ? cells : undefined;
  };
};
