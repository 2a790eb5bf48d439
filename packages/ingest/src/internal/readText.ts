/** Reads a file of text into a spool; what can go wrong has a type. */
import * as Effect from "effect/Effect";
import type { Located } from "../Location.ts";
import {
  SourceBroken,
  type SourceMissing,
  type SourceUnreadable,
  WrongFormat,
} from "../SourceError.ts";
import { attempt } from "./attempt.ts";
import type { Sink } from "./csvRecords.ts";
import { signatureOf } from "./looksLike.ts";
import { SpoolWriter } from "./SpoolWriter.ts";

type ReadError = SourceMissing | SourceUnreadable | WrongFormat | SourceBroken;

/** Runs a reader of a file. `format` is what the file should be, such as `CSV file`. */
export const readText = <A>(
  { name, path }: Located,
  format: string,
  read: (signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, ReadError> =>
  Effect.callback<A, unknown>((resume, signal) => {
    const done = read(signal).then(
      (value) => resume(Effect.succeed(value)),
      (cause) => resume(Effect.fail(cause)),
    );
    // An interrupted reader has let go of its files before anybody removes them.
    return Effect.promise(() => done);
  }).pipe(
    Effect.catch((cause): Effect.Effect<never, ReadError> => {
      if (cause instanceof WrongFormat || cause instanceof SourceBroken) return Effect.fail(cause);
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
      const message = cause instanceof Error ? cause.message : String(cause);
      if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
        const problem = `its bytes are no text in the declared encoding (${message})`;
        return Effect.fail(new SourceBroken({ path: name, format, problem }));
      }
      if (/^(Z_|ZSTD_|ERR_ZLIB)/.test(code) || /zstd/i.test(code)) {
        const problem = `it cannot be unpacked (${message})`;
        return Effect.fail(new SourceBroken({ path: name, format, problem }));
      }
      return /^E[A-Z0-9]+$/.test(code)
        ? Effect.flatMap(
            attempt(path, () => Promise.reject(cause)),
            () => Effect.die(cause),
          )
        : Effect.die(cause);
    }),
  );

/** Throws {@link WrongFormat} for what certainly is no text. */
export const mustBeText = (name: string, format: string, head: Buffer): void => {
  const found = signatureOf(head);
  if (found === undefined) return;
  throw new WrongFormat({ path: name, format, looksLike: found.what, next: `${found.next}.` });
};

/** What cuts bytes into records. */
interface Cutter {
  readonly push: (bytes: Buffer) => void;
  readonly end: () => void;
}

/** Runs bytes through a cutter into two spools: `rows`, and `rejects`. */
export const spooled = async <C extends Cutter>(
  chunks: AsyncIterable<Buffer>,
  scratch: (what: string) => string,
  cutter: (sink: Sink) => C,
): Promise<{ readonly records: C; readonly rejected: number }> => {
  const rows = await SpoolWriter.open(scratch("rows"));
  const rejects = await SpoolWriter.open(scratch("rejects"));
  try {
    const records = cutter({ rows, rejects });
    for await (const chunk of chunks) {
      records.push(chunk);
      await rows.drain();
      await rejects.drain();
    }
    records.end();
    return { records, rejected: rejects.records };
  } finally {
    await rows.close();
    await rejects.close();
  }
};
