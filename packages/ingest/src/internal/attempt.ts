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
    : Effect.succeed(new SourceUnreadable({ path: file, ...(known[code] ?? other(code)) }));

const other = (problem: string) => ({ problem, next: "Check the disk and try again." });
const known: { readonly [code: string]: ReturnType<typeof other> } = {
  EACCES: { problem: "EACCES", next: "Give this user read access." },
  EPERM: { problem: "EPERM", next: "Give this user read access." },
  EISDIR: {
    problem: "it is a folder, not a file",
    next: "Name a file, or the files in it with Location.glob.",
  },
};

/** Says which files of its kind there are where the file was expected. */
const missing = (file: string): Effect.Effect<SourceMissing> =>
  Effect.promise(async () => {
    const folder = path.dirname(file);
    const names = await fs.readdir(folder).catch(() => undefined);
    const kind = path.extname(file);
    const alike = names?.filter((name) => path.extname(name) === kind).toSorted() ?? [];
    const listed = alike.slice(0, 5).join(", ") + (alike.length > 5 ? ", …" : "");
    const next =
      names === undefined
        ? `The folder ${folder} does not exist either: check the path; a relative one starts at ${process.cwd()}.`
        : alike.length > 0
          ? `Check its name; in that folder there are ${listed}.`
          : `Check the path: its folder has no file that ends with "${kind}".`;
    return new SourceMissing({ path: file, next });
  });
