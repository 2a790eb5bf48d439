/** Arrow IPC: streams and files (Feather version 2). */
import * as fs from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { Artifact } from "@ml-pipe/core";
import { TableSchema } from "@ml-pipe/data";
import type { ArrowMessage, ArrowTask } from "../internal/arrowWorker.ts";
import { fieldsPart, type Part } from "../internal/delivery.ts";
import { looksLike } from "../internal/looksLike.ts";
import { readText } from "../internal/readText.ts";
import type { Notation } from "../internal/values.ts";
import type { Located, Where } from "../Location.ts";
import type { Request, Source } from "../Source.ts";
import { SourceBroken, WrongFormat } from "../SourceError.ts";
import { filesSource, type FileOptions, type FormatError } from "./files.ts";

/** How Arrow files are read; `timestamps` says how times in the names of folders are written. */
export interface ArrowOptions extends FileOptions, Pick<Notation, "timestamps"> {}

/**
 * Arrow IPC, as a stream or a file, one record batch in memory at a time. Booleans, integers, floats,
 * text, dictionaries of these, dates and timestamps of any unit are taken; a column of the contract with
 * another type is named. Buffers may be compressed with Zstandard, not with LZ4.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const trips = Source.arrow("data/trips.arrow");
 * ```
 */
export const arrow = <LE = never>(
  where: Where<LE>,
  options: ArrowOptions = {},
): Source<LE | FormatError> =>
  filesSource<LE, FormatError>(where, {
    name: "Arrow",
    params: { ...options },
    options,
    read: (file, request, scratch) =>
      readText(file, "Arrow file", (signal) => read(file, request, scratch("rows"), signal)),
  });

const read = async (
  { name, path }: Located,
  { contract }: Request,
  spool: string,
  signal: AbortSignal,
): Promise<Part> => {
  const file = await Artifact.digestFile(path);
  const broken = (problem: string) =>
    new SourceBroken({ path: name, format: "Arrow file", problem });
  await checkEnds(name, path, file.bytes, broken);
  const { fields, taken, records } = await inThread(
    { path, bytes: file.bytes, spool },
    (fields) =>
      fields.flatMap(({ name, type }) => {
        const spec = contract.spec.columns[name];
        return spec !== undefined && TableSchema.accepts(spec, type) ? [name] : [];
      }),
    broken,
    signal,
  );
  return {
    name,
    file,
    columns: fields,
    sparse: false,
    records,
    ...fieldsPart(spool, taken, {}, { texts: [""], quoted: false }, ","),
  };
};

const entry = new URL(
  import.meta.url.endsWith(".ts") ? "../internal/arrowWorker.ts" : "../internal/arrowWorker.js",
  import.meta.url,
);

/** How long a batch may take. */
const patienceMs = 60_000;

/**
 * Reads a file in a thread of its own. The library believes what a damaged file says of itself, so it
 * may loop for ever or fill the heap: that ends the thread, and not the process.
 */
const inThread = (
  task: ArrowTask,
  choose: (fields: ReadonlyArray<TableSchema.SqlColumn>) => ReadonlyArray<string>,
  broken: (problem: string) => SourceBroken,
  signal: AbortSignal,
) => {
  const worker = new Worker(entry, {
    workerData: task,
    name: "ml-pipe arrow",
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  return new Promise<{
    readonly fields: ReadonlyArray<TableSchema.SqlColumn>;
    readonly taken: ReadonlyArray<string>;
    readonly records: number;
  }>((resolve, reject) => {
    let fields: ReadonlyArray<TableSchema.SqlColumn> = [];
    let taken: ReadonlyArray<string> = [];
    const endless = () => reject(broken("reading it does not come to an end"));
    let timer = setTimeout(endless, patienceMs);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    worker.on("message", (message: ArrowMessage) => {
      clearTimeout(timer);
      timer = setTimeout(endless, patienceMs);
      switch (message._tag) {
        case "Fields":
          fields = message.fields;
          taken = choose(fields);
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
          worker.postMessage(taken);
          return;
        case "Done":
          return resolve({ fields, taken, records: message.records });
        case "Broken":
          return reject(broken(message.problem));
        case "Unwritable":
          return reject(Object.assign(new Error(message.problem), { code: message.code }));
      }
    });
    worker.on("error", (error) => reject(broken(error.message)));
    worker.on("exit", () => reject(broken("reading it ended without a result")));
    // Whatever settles first wins; the timer must not keep the process alive after it.
    worker.on("exit", () => clearTimeout(timer));
  }).finally(() => worker.terminate());
};

/** A file ends as it begins; a stream with a mark. One that does not was cut off. */
const checkEnds = async (
  name: string,
  path: string,
  bytes: number,
  broken: (problem: string) => SourceBroken,
): Promise<void> => {
  const head = Buffer.alloc(Math.min(512, bytes));
  const tail = Buffer.alloc(Math.min(8, bytes));
  const handle = await fs.open(path, "r");
  try {
    await handle.read(head, 0, head.length, 0);
    await handle.read(tail, 0, tail.length, bytes - tail.length);
  } finally {
    await handle.close();
  }
  const isFile = head.subarray(0, 6).toString("latin1") === "ARROW1";
  const isStream = head.length >= 8 && head.readUInt32LE(0) === 0xffffffff;
  if (!isFile && !isStream) {
    const { what, next } = looksLike(head);
    const format = "an Arrow file";
    throw new WrongFormat({ path: name, format, looksLike: what, next: `${next}.` });
  }
  const whole = isFile
    ? tail.subarray(2).toString("latin1") === "ARROW1"
    : tail.readUInt32LE(0) === 0xffffffff && tail.readUInt32LE(4) === 0;
  if (!whole) throw broken(`it ends after ${bytes} bytes without its mark, so it was cut off`);
};
