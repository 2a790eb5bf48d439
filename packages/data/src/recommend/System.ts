/**
 * Systems: the product surface that people meet, between sources of candidates and the list they see. A
 * system merges sources by weight, hides, boosts and caps by rules of the business, re-ranks for variety
 * and cuts to length. It is data, digested like a feature set, so that a candidate can be judged inside the
 * system that it will serve in, and the system be run again without one of its sources.
 */
import { type Artifact, Column, Contract, Digest, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { Duckdb, type DuckdbError } from "../Duckdb.ts";
import * as Expr from "../Expr.ts";
import { creditSql, mergeSql } from "../internal/recommend/merge.ts";
import { toldOf } from "../internal/recommend/told.ts";
import * as Table from "../Table.ts";
import { counted } from "../Words.ts";
import type { Catalogue, Tags } from "./Catalogue.ts";
import { type Interactions, pairsSql, textSql } from "./Interactions.ts";
import * as Recommendations from "./Recommendations.ts";
import { type Blend, problems, type Rule, type SystemSpec } from "./SystemSpec.ts";

export { Blend, Rule, SystemSpec } from "./SystemSpec.ts";

/** What a system is made of. */
export interface SystemOptions<I extends Contract.Contract, S extends string> {
  /** Sources by name, and how much each weighs, above 0. */
  readonly sources: { readonly [K in S]: number };
  /** Default `rank-fusion`. */
  readonly blend?: Blend;
  /** Places in the list of a user. */
  readonly length: number;
  /** What is known of the items: what rules and variety read. */
  readonly items?: Catalogue<I>;
  /** Rules over the columns of the items; applied in their order, all hides and boosts before the caps. */
  readonly rules?: ($: Expr.Columns<I>) => ReadonlyArray<Rule>;
  /**
   * Re-ranks for variety by maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): each place goes to
   * the item with the largest `relevance` · score / best score − (1 − `relevance`) · largest similarity to an
   * item above it. Similarity is the cosine of the sets of tags in the column `by`.
   */
  readonly diversify?: Tags<I> & {
    /** Above 0 and below 1; 0.7 is usual. */
    readonly relevance: number;
  };
}

/** A system of sources `S` over interactions `C` and items `I` (`never` without a catalogue). */
export interface System<
  out C extends Contract.Contract = Contract.Contract,
  out I extends Contract.Contract = Contract.Contract,
  out S extends string = string,
> {
  readonly name: string;
  readonly spec: SystemSpec;
  readonly digest: Digest.Digest;
  readonly interactions: Interactions<C>;
  readonly catalogue: Catalogue<I> | undefined;
  /** Names of the sources. */
  readonly sources: ReadonlyArray<S>;
}

/**
 * Makes a system. What users have met is never shown to them again. Throws a `TypeError` for weights, lengths
 * and rules that mean nothing.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Catalogue, type Interactions, System } from "@ml-pipe/data";
 *
 * const Film = Contract.make("film", {
 *   version: "1", owner: "films", key: ["film"],
 *   columns: { film: Column.int(), genres: Column.string(), year: Column.int() },
 * });
 * const Films = Catalogue.make(Film, { item: "film" });
 * const homeOf = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   System.make("home page", interactions, {
 *     sources: { factors: 3, content: 1, popularity: 1 },
 *     length: 10,
 *     items: Films,
 *     rules: ($) => [System.hide($.year.lt(1930)), System.cap($.year, 3)],
 *     diversify: { by: "genres", separator: "|", relevance: 0.7 },
 *   });
 * ```
 */
export const make = <
  C extends Contract.Contract,
  const S extends string,
  I extends Contract.Contract = never,
>(
  name: string,
  interactions: Interactions<C>,
  options: SystemOptions<I, S>,
): System<C, I, S> => {
  const { items, diversify } = options;
  const sources = namesOf(options.sources);
  const rules = items === undefined ? [] : (options.rules?.(Expr.columns(items.contract)) ?? []);
  const spec: SystemSpec = {
    name,
    interactions: interactions.digest,
    catalogue: items?.digest ?? null,
    sources: sources.map((source) => ({ name: source, weight: options.sources[source] })),
    blend: options.blend ?? "rank-fusion",
    rules,
    diversify: diversify === undefined ? null : { ...diversify },
    length: options.length,
  };
  const [problem] = problems(spec, items);
  if (problem !== undefined || (items === undefined && options.rules !== undefined)) {
    throw new TypeError(`system "${name}": ${problem ?? "rules read items; name the catalogue"}`);
  }
  return { name, spec, digest: Digest.ofJson(spec), interactions, catalogue: items, sources };
};

const namesOf = <S extends string>(sources: { readonly [K in S]: number }): ReadonlyArray<S> => {
  const names: Array<S> = [];
  for (const name in sources) names.push(name);
  return names;
};

/**
 * Never shows items for which the condition holds. Where it has no answer, the item stays.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr, System } from "@ml-pipe/data";
 *
 * const Film = Contract.make("film", { version: "1", owner: "films", columns: { year: Column.int() } });
 * const rule = System.hide(Expr.columns(Film).year.lt(1930));
 * ```
 */
export const hide = (when: Expr.Expr<boolean, "decision">): Rule => ({
  _tag: "hide",
  when: when.ast,
});

/**
 * Multiplies the score of items for which the condition holds: above 1 they rise, below 1 they fall.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr, System } from "@ml-pipe/data";
 *
 * const Film = Contract.make("film", { version: "1", owner: "films", columns: { ours: Column.boolean() } });
 * const rule = System.boost(Expr.columns(Film).ours, 1.2);
 * ```
 */
export const boost = (when: Expr.Expr<boolean, "decision">, by: number): Rule => ({
  _tag: "boost",
  when: when.ast,
  by,
});

/**
 * Keeps the best few items of each value, such as three of one series. Items without a value are kept.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr, System } from "@ml-pipe/data";
 *
 * const Film = Contract.make("film", { version: "1", owner: "films", columns: { series: Column.string() } });
 * const rule = System.cap(Expr.columns(Film).series, 3);
 * ```
 */
export const cap = (by: Expr.Expr<number | string, "decision">, atMost: number): Rule => ({
  _tag: "cap",
  by: by.ast,
  atMost,
});

/** The contract of a table that says which source a place is owed to, and to which share. */
export const credit = Contract.make("slot-credit", {
  version: "1.0.0",
  owner: "recommender",
  description: "the share of each source in each place of each list; those of a place sum to 1",
  key: ["user", "item", "source"],
  columns: {
    user: Column.string(),
    item: Column.string(),
    rank: Column.int({ min: 1 }),
    source: Column.string(),
    share: Column.float({ min: 0, max: 1 }),
  },
});

/** The schemas of what a system reads, by input: its sources, what users have met, and the items. */
export type Inputs<C extends Contract.Contract, I extends Contract.Contract, S extends string> = {
  readonly [K in S]: Schema.Codec<Recommendations.Recommendations, unknown>;
} & { readonly train: Schema.Codec<Table.Table<C, "train">, unknown> } & ([I] extends [never]
    ? {}
    : { readonly items: Schema.Codec<Table.Table<I, "checked">, unknown> });

/** The tables that {@link Inputs} describe. */
export type Tables<F extends Stage.Fields> = { readonly [K in keyof F]: F[K]["Type"] };

/** The catalogue has an item twice, so that its list would, too. */
export class ItemsRepeated extends Schema.TaggedError<ItemsRepeated>()("ItemsRepeated", {
  contract: Schema.String,
  column: Schema.String,
  items: Schema.Int,
}) {
  override get message(): string {
    return `${counted(this.items, "item")} of the catalogue "${this.contract}" (${this.column}) come more than once: which row describes them is not known, and lists would hold them twice. Deduplicate it, or declare the key in its contract and validate.`;
  }
}

/** Sources were trained on another split than the interactions that tell what users have met. */
export class SourcesOfOtherSplit extends Schema.TaggedError<SourcesOfOtherSplit>()(
  "SourcesOfOtherSplit",
  { system: Schema.String, sources: Schema.Array(Schema.String) },
) {
  override get message(): string {
    return `the system "${this.system}" merges ${this.sources.map((name) => `"${name}"`).join(", ")}, of another split than its train table: what one of them learnt from may be what another is judged on. Train all sources on the train part of one split.`;
  }
}

/** What merging can fail with. */
export type MergeError =
  | ItemsRepeated
  | SourcesOfOtherSplit
  | Table.ReadError
  | DuckdbError
  | Artifact.ArtifactStoreError;

/** The stage that {@link merge} makes. */
export type MergeStage<
  C extends Contract.Contract,
  I extends Contract.Contract,
  S extends string,
> = Stage.Stage<
  Tables<Inputs<C, I, S>>,
  Stage.Ports<{
    readonly lists: Recommendations.Recommendations;
    readonly credit: Table.Table<typeof credit, "checked">;
  }>,
  {},
  MergeError,
  Duckdb | Artifact.ArtifactStore
>;

/** The schemas of a system's inputs, for stages that run it. */
export const inputsOf = <
  C extends Contract.Contract,
  I extends Contract.Contract,
  S extends string,
>({
  sources,
  interactions,
  catalogue,
}: System<C, I, S>): Inputs<C, I, S> => {
  const inputs: Stage.Fields = {
    ...Object.fromEntries(
      sources.map((name) => [name, Table.of(Recommendations.contract, "checked")]),
    ),
    train: Table.of(interactions.contract, "train"),
    ...(catalogue === undefined ? {} : { items: Table.of(catalogue.contract, "checked") }),
  };
  // The names are those of the system, which only the compiler knows as `S`, and whether it has items as `I`.
  return inputs as Inputs<C, I, S>;
};

/**
 * A stage that merges the lists of the sources into the list that each user sees, in DuckDB, and says which
 * source each place is owed to.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { System } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract, I extends Contract.Contract, S extends string>(
 *   system: System.System<C, I, S>,
 * ) => System.merge(system);
 * ```
 */
export const merge = <C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  system: System<C, I, S>,
): MergeStage<C, I, S> => {
  const { name, spec, digest } = system;
  return Stage.make("merge", {
    description: `merges ${counted(system.sources.length, "source")} into "${name}"`,
    input: inputsOf(system),
    outputs: {
      lists: Table.of(Recommendations.contract, "checked"),
      credit: Table.of(credit, "checked"),
    },
    params: {
      system: digest,
      sources: spec.sources.map(({ name, weight }) => `${name} × ${weight}`),
      blend: spec.blend,
      length: spec.length,
    },
    run: Effect.fnUntraced(function* (inputs, { exhibit, finding, progress }) {
      const tables = Schema.decodeUnknownSync(Schema.Record(Schema.String, Table.AnyTable))(inputs);
      const merged = yield* run(system, tables);
      const split = tables["train"]?.split ?? null;
      const lists = yield* Table.write(Recommendations.contract, "checked", {
        query: `SELECT user, item, rank, score, source FROM ${merged} ORDER BY user, rank`,
        split,
      });
      const credits = yield* Table.write(credit, "checked", {
        query: `SELECT user, item, rank, source, share FROM (${creditSql(spec.sources, merged)})
          WHERE share > 0 ORDER BY user, rank, source`,
        split,
      });
      yield* progress({ label: "places", rows: lists.rows });
      const told = yield* toldOf(spec, credits, lists);
      yield* exhibit(told.exhibit);
      yield* Effect.forEach(told.findings, finding);
      return { lists, credit: credits };
    }, Effect.scoped),
  });
};

/**
 * The lists of a system as a relation that lasts as long as the scope: `user`, `item`, `rank`, `score`,
 * `source` (which contributed most), and `c0`, `c1` … with what each of its sources contributed, in their
 * order in the spec. Without some of the sources: the system as if it did not have them, which is how a
 * candidate is judged inside it.
 *
 * @example
 * ```ts
 * import { System, type Table } from "@ml-pipe/data";
 *
 * const before = (system: System.System, tables: { readonly [input: string]: Table.AnyTable }) =>
 *   System.run(system, tables, { without: ["factors"] });
 * ```
 */
export const run = Effect.fnUntraced(function* (
  system: System,
  tables: { readonly [input: string]: Table.AnyTable },
  { without = [] }: { readonly without?: ReadonlyArray<string> } = {},
): Effect.fn.Return<string, MergeError, Duckdb | Artifact.ArtifactStore | Scope.Scope> {
  const { spec, interactions, catalogue } = system;
  const { train, items } = tables;
  const sources = spec.sources.filter(({ name }) => !without.includes(name));
  const relations = yield* Effect.forEach(sources, ({ name, weight }) =>
    Effect.map(relationOf(tables[name]), (relation) => ({ weight, relation })),
  );
  const strangers = sources.filter(({ name }) => tables[name]?.split !== train?.split);
  if (strangers.length > 0) {
    return yield* new SourcesOfOtherSplit({
      system: system.name,
      sources: strangers.map(({ name }) => name),
    });
  }
  const known = catalogue === undefined ? undefined : yield* relationOf(items);
  if (catalogue !== undefined && known !== undefined) yield* requireItemsOnce(catalogue, known);
  return yield* Table.scratch(
    `merge the sources of ${system.name}`,
    mergeSql(spec, {
      sources: relations,
      names: sources.map(({ name }) => name),
      met: pairsSql(interactions.spec, yield* relationOf(train)),
      items:
        catalogue === undefined || known === undefined
          ? undefined
          : { relation: known, id: textSql(catalogue.item) },
    }),
  );
});

/** An input that is not there was wired past the types. */
const relationOf = (table: Table.AnyTable | undefined) =>
  table === undefined
    ? Effect.die(new TypeError("a system needs a table for each of its inputs"))
    : Table.relation(table);

/**
 * Fails with {@link ItemsRepeated} if a relation of the catalogue has an item twice.
 *
 * @example
 * ```ts
 * import { type Catalogue, System, Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const checked = (films: Catalogue.Catalogue, table: Table.AnyTable) =>
 *   Effect.flatMap(Table.relation(table), (relation) => System.requireItemsOnce(films, relation));
 * ```
 */
export const requireItemsOnce = Effect.fnUntraced(function* (
  { contract, item }: Catalogue<Contract.Contract>,
  relation: string,
) {
  const db = yield* Duckdb;
  const [found] = yield* db.rows(
    "look for repeated items",
    `SELECT CAST(count(*) AS DOUBLE) AS n FROM (SELECT 1 FROM ${relation} GROUP BY ${textSql(item)} HAVING count(*) > 1)`,
  );
  const items = Number(found?.["n"] ?? 0);
  if (items > 0) {
    return yield* new ItemsRepeated({ contract: contract.spec.name, column: item, items });
  }
});
