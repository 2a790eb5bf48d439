/** Adds the files that are new or have changed to what the last execution handed on. */
import type { Artifact, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { Grown } from "../incremental.ts";
import { Rejected } from "../Rejected.ts";
import type { Source } from "../Source.ts";
import { SourceMoved } from "../SourceError.ts";
import type { TableError } from "../table.ts";
import type { DriftPolicy } from "./schema.ts";
import { take } from "./take.ts";

/** A part of a table that grows, in the order of its rows. */
export const Increment = Schema.Struct({
  /** A file, or the rows up to a watermark. */
  name: Schema.String,
  /** The content of the file, or the watermark. */
  version: Schema.String,
  /** Rows of the table that come from it. */
  rows: Schema.Int,
  /** Columns of a file, with their types: what later ones are compared with. */
  columns: Schema.Array(Schema.Struct({ name: Schema.String, type: Schema.String })),
});
/** See {@link Increment}. */
export type Increment = typeof Increment.Type;

/** What both ways to grow are given. */
export interface Growing<C extends Contract.Contract, E> {
  readonly contract: C;
  readonly source: Source<E>;
  readonly atMost: number;
  readonly drift: DriftPolicy;
  readonly previous: Grown<C> | undefined;
  readonly context: Stage.StageContext<{}>;
}

/** What growing can fail with, and needs. */
export type GrowError<E> = E | TableError;
export type GrowNeeds = Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope;

/** A table of the files that are there now; with `keep`, of those that were there before too. */
export const addFiles = Effect.fnUntraced(function* <C extends Contract.Contract, E>({
  contract,
  source,
  atMost,
  drift,
  previous,
  keep,
  context,
}: Growing<C, E> & { readonly keep: boolean }): Effect.fn.Return<
  Grown<C>,
  GrowError<E>,
  GrowNeeds
> {
  const versions = yield* source.versions;
  const before = previous?.increments ?? [];
  const idOf = ({ name, version }: { readonly name: string; readonly version: string }) =>
    JSON.stringify([name, version]);
  const known = new Set(before.map(idOf));
  const vanished = before.filter(
    ({ name }) => versions?.every((one) => one.name !== name) === true,
  );
  // A file that was only renamed is not another one.
  const renamed = new Set(keep ? vanished.map(({ version }) => version) : []);
  const fresh = versions?.filter((one) => !known.has(idOf(one)) && !renamed.has(one.version));
  const unchanged = fresh?.length === 0 && (keep || vanished.length === 0);
  if (previous !== undefined && unchanged) return previous;

  const only = fresh === undefined ? undefined : new Set(fresh.map(({ name }) => name));
  const delivery = yield* source.open({ contract, ...(only === undefined ? {} : { only }) });
  const moved =
    fresh !== undefined &&
    JSON.stringify(fresh.map(idOf)) !== JSON.stringify(delivery.versions?.map(idOf));
  if (moved) return yield* new SourceMoved({ source: source.label });
  const stays = before.filter(
    ({ name }) =>
      only !== undefined && !only.has(name) && (keep || vanished.every((one) => one.name !== name)),
  );
  const [reference] = stays;
  const taken = yield* take(
    {
      contract,
      source: source.label,
      parts: delivery.parts,
      atMost,
      drift,
      ...(reference === undefined ? {} : { reference }),
      mayBeEmpty: stays.some(({ rows }) => rows > 0),
    },
    context,
  );
  const read = delivery.parts.map((part, index) => ({
    name: part.name,
    version: delivery.versions?.[index]?.version ?? "",
    rows: part.records - (taken.rejectedOf.get(part.name) ?? 0),
    columns: part.columns,
  }));
  if (previous === undefined || stays.length === 0) {
    return { table: taken.table, quarantine: taken.quarantine, increments: read };
  }

  // Files that are not there any more come first; the others in the order of the source.
  const order = new Map(versions?.map(({ name }, index) => [name, index]));
  const increments = [...stays, ...read].toSorted(
    (a, b) => (order.get(a.name) ?? -1) - (order.get(b.name) ?? -1),
  );
  const places = (of: ReadonlyArray<Increment>) => {
    let from = 0;
    return of.flatMap((one) => {
      const at = increments.indexOf(one);
      const range = `(${from}, ${from + one.rows - 1}, ${at})`;
      from += one.rows;
      return at < 0 || one.rows === 0 ? [] : [range];
    });
  };
  const columns = Object.keys(contract.columns).map(Duckdb.identifier);
  const rowsOf = (path: string, ranges: ReadonlyArray<string>) =>
    ranges.length === 0
      ? []
      : [
          `SELECT place, file_row_number AS row, ${columns.map((one) => `t.${one}`).join(", ")} FROM ${Table.parquet(path, { rowNumbers: true })} t JOIN (VALUES ${ranges.join(", ")}) AS r(low, high, place) ON file_row_number BETWEEN low AND high`,
        ];
  const rows = [
    ...rowsOf(yield* Table.pathOf(previous.table), places(before)),
    ...rowsOf(yield* Table.pathOf(taken.table), places(read)),
  ];
  const table = yield* Table.write(contract, "raw", {
    query: `SELECT ${columns.join(", ")} FROM (${rows.join(" UNION ALL ")}) ORDER BY place, row`,
  });
  const names = stays.map(({ name }) => Duckdb.literal(name)).join(", ");
  const quarantine = yield* Table.write(Rejected, "raw", {
    query: [
      "SELECT * FROM (",
      `FROM ${yield* Table.relation(previous.quarantine)} WHERE file IN (${names})`,
      `UNION ALL FROM ${yield* Table.relation(taken.quarantine)}`,
      ") ORDER BY ALL",
    ].join(" "),
  });
  yield* context.progress({ label: "rows", rows: table.rows });
  return { table, quarantine, increments };
});
