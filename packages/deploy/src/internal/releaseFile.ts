/** Files of a local registry: written once under a name that nobody else has, verified when read. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Digest } from "@ml-pipe/core";
import { Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";

/** A release file: the release itself and a digest of all of it. */
const digest = Digest.Digest;
const decodeModel = Schema.decodeUnknownResult(
  Schema.Struct({ ...Release.ModelRelease.fields, digest }),
  { errors: "all" },
);
const decodeSystem = Schema.decodeUnknownResult(
  Schema.Struct({ ...Release.SystemRelease.fields, digest }),
  { errors: "all" },
);
/** As what it says that it is, so that what is wrong is said of that. */
const decode = (
  json: unknown,
): Result.Result<Release.AnyRelease & { readonly digest: string }, Schema.SchemaError> =>
  typeof json === "object" && json !== null && "system" in json
    ? decodeSystem(json)
    : decodeModel(json);
const encode = Schema.encodeEffect(Schema.toCodecJson(Release.AnyRelease));

/** The text of a release file. */
export const toText = (release: Release.AnyRelease): Effect.Effect<string> =>
  encode(release).pipe(
    Effect.map((json) => {
      const members = typeof json === "object" && json !== null ? json : {};
      return `${JSON.stringify({ ...members, digest: Digest.ofJson(json) }, null, 2)}\n`;
    }),
    // A release was typed by its schema: one that does not encode is a broken invariant.
    Effect.orDie,
  );

/** The release in the text of a file, or what is wrong with it. */
export const fromText = (
  text: string,
  expected: { readonly name: string; readonly version: number },
): Result.Result<Release.AnyRelease, string> => {
  const json = parse(text);
  if (Result.isFailure(json)) return Result.fail(json.failure);
  const decoded = decode(json.success);
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure.message);
  const { digest, ...release } = decoded.success;
  const problem =
    digestOf(json.success) !== digest
      ? "its content does not match its digest: it was changed after it was released"
      : release.name !== expected.name || release.version !== expected.version
        ? `it holds ${Release.label(release)}`
        : inconsistency(release);
  return problem === undefined ? Result.succeed(release) : Result.fail(problem);
};

/** What of a release contradicts its own verdict. */
export const inconsistency = (release: Release.AnyRelease): string | undefined => {
  const { verdict, charter } = release;
  if (verdict.status !== "passed") return `its verdict is "${verdict.status}", not "passed"`;
  if (Release.isSystem(release)) {
    if (verdict.model !== release.lists) return "its verdict is on other lists";
  } else if (verdict.model !== release.model.document.digest) {
    return "its verdict is on another model";
  }
  if (verdict.charter !== charter) return "its verdict was made under another charter";
  return undefined;
};

const digestOf = (json: unknown): string => {
  const { digest: _, ...rest }: { digest?: unknown } =
    typeof json === "object" && json !== null ? json : {};
  return Digest.ofJson(rest);
};

const parse = (text: string): Result.Result<unknown, string> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: () => (text.trim() === "" ? "it is empty" : "it is not JSON"),
  });

let counter = 0;

/**
 * Writes a file that must not exist yet: to a temporary name, synced, then linked to its own name.
 * `false` if another process was first. A killed process leaves at most a temporary file.
 */
export const writeOnce = async (file: string, text: string): Promise<boolean> => {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `.${process.pid}-${Date.now()}-${++counter}.tmp`);
  await fs.mkdir(folder, { recursive: true });
  try {
    const handle = await fs.open(temporary, "wx");
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Unlike a rename, a link fails if the name is taken.
    await fs.link(temporary, file);
    await syncFolder(folder);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw cause;
  } finally {
    await fs.rm(temporary, { force: true });
  }
};

/** Makes a new name in a folder durable. Not every platform lets a folder be synced. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await fs.open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
};

/** The names in a folder; none if there is no folder. */
export const namesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  try {
    return await fs.readdir(folder);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return [];
    throw cause;
  }
};

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
