/** Rows that a program yields: an API's pages, a queue, a generator. */
import * as Effect from "effect/Effect";
import { Artifact } from "@ml-pipe/core";
import { type Part, rejectsOf } from "../internal/delivery.ts";
import { maxRecordBytes, SpoolWriter } from "../internal/SpoolWriter.ts";
import type { Request, Source } from "../Source.ts";
import { RowsFailed } from "../SourceError.ts";
import { describeJson, type JsonOptions } from "./json.ts";

/** What is said about rows beside themselves. */
export interface RowsOptions extends Pick<JsonOptions, "paths" | "timestamps"> {
  /**
   * What tells whether the rows are others than before, such as a revision. Default: nothing, so that
   * they are asked for in every run.
   */
  readonly version?: Effect.Effect<string>;
}

/**
 * Begins to yield rows. In an incremental ingest with a watermark, `from` says which are needed: those
 * with this value or a later one; it is a hint, and more may be yielded.
 */
export type Iterate = (from?: Request["from"]) => AsyncIterable<unknown> | Iterable<unknown>;

/**
 * The rows of an iterable, which is asked for when the stage runs; `name` is how they are shown. Values
 * are held to the types of JSON, with `Date` for a time and `bigint` for a whole number; what is not a
 * value of the column's type sets its row aside. They are written as they come, so that memory does not
 * grow with their number.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const orders = Source.rows("orders of the shop", async function* () {
 *   for (let page = 1; page <= 3; page++) yield { id: page, at: new Date(), total: 9.5 };
 * });
 * ```
 */
export const rows = (
  name: string,
  iterate: Iterate,
  options: RowsOptions = {},
): Source<RowsFailed> => {
  const { version } = options;
  const versions =
    version === undefined
      ? Effect.succeed(undefined)
      : Effect.map(version, (version) => [{ name, version }]);
  return {
    label: name,
    params: { rows: name, paths: options.paths ?? {}, timestamps: options.timestamps ?? {} },
    increments: "rows",
    versions,
    open: Effect.fnUntraced(function* (request) {
      const store = yield* Artifact.ArtifactStore;
      const folder = yield* store.temporaryFolder;
      const read = yield* versions;
      const taken = yield* spool(name, () => iterate(request.from), folder);
      const described = yield* describeJson(`${folder}/rows`, request, options);
      return { parts: [{ name, ...taken, ...described }], versions: read };
    }),
  };
};

const spool = (
  name: string,
  iterate: () => ReturnType<Iterate>,
  folder: string,
): Effect.Effect<Pick<Part, "records" | "rejects">, RowsFailed> =>
  Effect.tryPromise({
    try: async (signal) => {
      const rows = await SpoolWriter.open(`${folder}/rows`);
      const rejects = await SpoolWriter.open(`${folder}/rejects`);
      let records = 0;
      try {
        for await (const row of iterate()) {
          signal.throwIfAborted();
          records++;
          const text = encode(row);
          const tooLong = text.length > maxRecordBytes / 4;
          const to = tooLong ? rejects : rows;
          to.number(records);
          to.separate();
          to.number(records);
          to.separate();
          to.text(tooLong ? `${text.slice(0, 1000)}…` : text);
          if (tooLong) {
            to.separate();
            to.text("longer than 1 MiB");
          }
          to.end();
          await to.drain();
        }
        return { records, ...rejectsOf(`${folder}/rejects`, rejects.records) };
      } finally {
        await rows.close();
        await rejects.close();
      }
    },
    catch: (cause) =>
      new RowsFailed({
        source: name,
        problem: cause instanceof Error ? cause.message : String(cause),
      }),
  });

/** A row as JSON in which no value has silently become another one. */
const encode = (row: unknown): string => {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return value(row);
  const fields = Object.entries(row).flatMap(([key, one]) =>
    one === undefined ? [] : [`${JSON.stringify(key)}:${value(one)}`],
  );
  return `{${fields.join(",")}}`;
};

const value = (one: unknown): string => {
  if (typeof one === "bigint") return String(one);
  // As text they are taken for a float column, where validation finds them, and for no other.
  if (typeof one === "number" && !Number.isFinite(one)) return `"${one}"`;
  if (one instanceof Date && Number.isNaN(one.getTime())) return '"Invalid Date"';
  // What JSON has no text for, such as a function or a symbol.
  return JSON.stringify(one, nested) ?? JSON.stringify(`[${typeof one}]`);
};

/** Big integers inside a value keep their digits as text. */
const nested = (_: string, one: unknown): unknown => (typeof one === "bigint" ? String(one) : one);
