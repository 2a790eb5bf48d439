/** What a stage and its process hand each other: files in a folder that nobody else sees. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import * as Data from "effect/Data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import {
  Artifact,
  type ArtifactMissing,
  ArtifactStore,
  type ArtifactStoreError,
  attempt,
} from "../Artifact.ts";
import type { Fields } from "../stage/make.ts";
import type { Secrets } from "./secretText.ts";

/** Where the files are. */
export interface Paths {
  /** The inputs by name, as JSON. */
  readonly input: string;
  /** The stage's parameters, as JSON. */
  readonly params: string;
  /** Where the process writes its output, as JSON. */
  readonly output: string;
  /** A folder for the files that the output refers to. */
  readonly artifacts: string;
  /** An empty folder to work in. */
  readonly work: string;
}

/** What a process wrote cannot be read, whatever its schema says. */
export class Unusable extends Data.TaggedError("Unusable")<{ readonly problem: string }> {}

/** Larger documents are artifacts. */
const longestOutputBytes = 64 * 2 ** 20;

/** Writes what a process is given. Artifacts among the inputs get a `path` that it can read. */
export const prepare = Effect.fnUntraced(function* (
  folder: string,
  inputs: Schema.Json,
  params: Schema.Json,
): Effect.fn.Return<Paths, ArtifactMissing | ArtifactStoreError, ArtifactStore> {
  const store = yield* ArtifactStore;
  const place = Effect.fnUntraced(function* (artifact: Artifact) {
    yield* store.verify(artifact);
    return { ...artifact, path: yield* store.path(artifact) };
  });
  const given = yield* replaced(inputs, isArtifact, place);
  const paths = {
    input: path.join(folder, "input.json"),
    params: path.join(folder, "params.json"),
    output: path.join(folder, "output.json"),
    artifacts: path.join(folder, "artifacts"),
    work: path.join(folder, "work"),
  };
  yield* attempt("write", folder, async () => {
    await fs.mkdir(paths.artifacts);
    await fs.mkdir(paths.work);
    await fs.writeFile(paths.input, JSON.stringify(given));
    await fs.writeFile(paths.params, JSON.stringify(params));
  });
  return paths;
});

/** The JSON that a process wrote, with its files stored as artifacts; or what is wrong with it. */
export const collect = Effect.fnUntraced(function* (paths: Paths, secrets: Secrets) {
  const fail = (problem: string) => Effect.fail(new Unusable({ problem }));
  const stat = yield* Effect.promise(() => fs.stat(paths.output).catch(() => undefined));
  if (stat === undefined) {
    return yield* fail(
      "it wrote no file to ML_PIPE_OUTPUT (ml_pipe does, in Python: model or output)",
    );
  }
  // Reading a pipe would wait for ever.
  if (!stat.isFile()) return yield* fail("what it made at ML_PIPE_OUTPUT is no file");
  if (stat.size > longestOutputBytes) {
    return yield* fail(`${stat.size} bytes of JSON are too much: hand them over as an artifact`);
  }
  const text = yield* attempt("read", paths.output, () => fs.readFile(paths.output, "utf8"));
  const secret = secrets.heldBy(text);
  if (secret !== undefined) return yield* fail(`it holds the value of the secret ${secret}`);
  const json = yield* decodeJson(text).pipe(
    Effect.catch(({ message }) => fail(`it is not JSON: ${secrets.scrub(message)}`)),
  );
  const store = yield* ArtifactStore;
  const stored = new Map<string, Artifact>();
  const keep = Effect.fnUntraced(function* ({ artifact: name, mediaType }: Written) {
    const problem = (what: string) => fail(`its artifact "${secrets.scrub(name)}" ${what}`);
    const file = yield* Effect.promise(() => fileWithin(paths.artifacts, name));
    if (file === undefined) return yield* problem("is no file in the folder ML_PIPE_ARTIFACTS");
    const known = stored.get(`${file} ${mediaType}`);
    if (known !== undefined) return known;
    const held = yield* attempt("read", file, () => secrets.heldByFile(file));
    if (held !== undefined) return yield* problem(`holds the value of the secret ${held}`);
    const kept = yield* store.put(mediaType, (temporary) =>
      attempt("copy", file, async () => {
        await fs.copyFile(file, temporary, fs.constants.COPYFILE_FICLONE);
        await fs.chmod(temporary, 0o644);
      }),
    );
    stored.set(`${file} ${mediaType}`, kept);
    return kept;
  });
  const known = ({ digest, bytes, mediaType }: Artifact) =>
    Effect.as(store.path({ digest, bytes, mediaType }), { digest, bytes, mediaType }).pipe(
      Effect.catch(() => fail(`it refers to ${digest}, which is no artifact there is`)),
    );
  return yield* replaced(yield* replaced(json, isArtifact, known), isWritten, keep);
});

/** The file of this name, if it is one and lies in the folder, whatever links say. */
const fileWithin = async (folder: string, name: string): Promise<string | undefined> => {
  try {
    const file = await fs.realpath(path.resolve(folder, name));
    const below = path.relative(await fs.realpath(folder), file);
    const inside = below !== "" && !below.startsWith("..") && !path.isAbsolute(below);
    return inside && (await fs.stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
};

const decodeJson = Schema.decodeEffect(Schema.fromJsonString(Schema.Json));
const isArtifact = Schema.is(Artifact);

/** How an output names a file of the artifacts folder. */
const Written = Schema.Struct({ artifact: Schema.String, mediaType: Schema.String });
type Written = typeof Written.Type;
const fitsWritten = Schema.is(Written);
const isWritten = (value: Schema.Json): value is Written =>
  fitsWritten(value) && Object.keys(value).length === 2;

/** JSON with each value of a kind replaced, at any depth. */
const replaced = Effect.fnUntraced(function* <A extends object & Schema.Json, E, R>(
  json: Schema.Json,
  is: (value: Schema.Json) => value is A,
  replace: (value: A) => Effect.Effect<Schema.Json, E, R>,
): Effect.fn.Return<Schema.Json, E, R> {
  const news = new Map<Schema.Json, Schema.Json>();
  for (const value of found(json, is)) news.set(value, yield* replace(value));
  const renew = (value: Schema.Json): Schema.Json => {
    if (typeof value !== "object" || value === null) return value;
    const other = news.get(value);
    if (other !== undefined) return other;
    if (isArray(value)) return value.map(renew);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, renew(part)]));
  };
  return news.size === 0 ? json : renew(json);
});

const found = <A extends Schema.Json>(
  json: Schema.Json,
  is: (value: Schema.Json) => value is A,
): ReadonlyArray<A> => {
  if (typeof json !== "object" || json === null) return [];
  if (is(json)) return [json];
  return Object.values(json).flatMap((value) => found(value, is));
};

const isArray = (value: object): value is ReadonlyArray<Schema.Json> => Array.isArray(value);

/** The encoders and decoders of a stage's sides; compiled when the stage first runs. */
export const codecOf = (schema: Fields[string]) => {
  const json = Schema.toCodecJson(schema);
  return {
    encode: Schema.encodeUnknownEffect(json, { errors: "all" }),
    decode: Schema.decodeUnknownEffect(json, { errors: "all", reportInput: true }),
  };
};
