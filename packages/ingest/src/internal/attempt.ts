/** File operations whose failures say what is there instead, or how to be allowed to read it. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import { SourceMissing, SourceUnreadable } from "../SourceError.ts";

/** Runs a file operation; a failure says what is there instead, or how to be allowed to read it. */
export const attempt = <A>(
  file: string,
  run: () => Promise<A>,
): Effect.Effect<A, SourceMissing | SourceUnreadable> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      cause instanceof Error && "code" in cause ? String(cause.code) : String(cause),
  }).pipe(Effect.catch((code) => Effect.flatMap(explain(file, code), Effect.fail)));

const explain = (file: string, code: string): Effect.Effect<SourceMissing | SourceUnreadable> =>
  code === "ENOENT" || code === "ENOTDIR"
    ? missing(file)
    : Effect.succeed(
        new SourceUnreadable({
          path: file,
          problem: code,
          next:
            code === "EACCES" || code === "EPERM"
              ? "Give this user read access."
              : "Check the disk and try again.",
        }),
      );

/** Says which files there are where the file was expected. */
const missing = (file: string): Effect.Effect<SourceMissing> =>
  Effect.promise(async () => {
    const folder = path.dirname(file);
    const names = await fs.readdir(folder).catch(() => undefined);
    const parquet = names?.filter((name) => name.endsWith(".parquet")).toSorted() ?? [];
    const listed = parquet.slice(0, 5).join(", ") + (parquet.length > 5 ? ", …" : "");
    const next =
      names === undefined
        ? `The folder ${folder} does not exist either: check the path; a relative one starts at ${process.cwd()}.`
        : parquet.length > 0
          ? `Check its name; in that folder there are ${listed}.`
          : "Check the path: its folder has no Parquet file.";
    return new SourceMissing({ path: file, next });
  });
