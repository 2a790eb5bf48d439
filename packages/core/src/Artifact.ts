/**
 * Artifacts: files addressed by their content. What a stage hands over by reference (a table, a
 * model) is written once under its digest and never changes.
 *
 * A write goes to a temporary name, is synced, digested and then renamed: a half-written artifact is
 * never visible, and a killed process leaves nothing but a temporary file that the next one removes.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { canonicalJson, Digest, ofBytes } from "./Digest.ts";
import { isAlive } from "./internal/process.ts";

/** A reference to a stored file: digest, size and kind of content. */
export const Artifact = Schema.Struct({
  digest: Digest,
  bytes: Schema.Int,
  /** Such as `application/vnd.apache.parquet` or `application/json`. */
  mediaType: Schema.String,
});
/** See {@link Artifact}. */
export type Artifact = typeof Artifact.Type;

/** The state folder could not be written or read: permissions, a full disk, a vanished folder. */
export class ArtifactStoreError extends Schema.TaggedError<ArtifactStoreError>()(
  "ArtifactStoreError",
  { operation: Schema.String, path: Schema.String, code: Schema.String, next: Schema.String },
) {
  /** The error that something thrown by the file system is. */
  static readonly of =
    (operation: string, file: string) =>
    (cause: unknown): ArtifactStoreError => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
      const next = advice[code] ?? "Check the state folder and run again.";
      return new ArtifactStoreError({ operation, path: file, code, next });
    };
  override get message(): string {
    return `cannot ${this.operation} ${this.path} (${this.code}). ${this.next}`;
  }
}

/** An artifact is not in the store, or its bytes are no longer those that were stored. */
export class ArtifactMissing extends Schema.TaggedError<ArtifactMissing>()("ArtifactMissing", {
  digest: Digest,
  path: Schema.String,
  reason: Schema.Literals(["absent", "corrupt"]),
}) {
  override get message(): string {
    const found = this.reason === "absent" ? "is not there" : "does not match its digest";
    return `artifact ${this.digest.slice(0, 19)} ${found} (${this.path}). Run the pipeline again: the stage that made it will run and write it anew.`;
  }
}

/** How artifacts are stored and found. */
export interface ArtifactStoreShape {
  /**
   * Stores what `write` puts into the file it is given. Nothing becomes visible if `write` fails or
   * is interrupted.
   */
  readonly put: <E, R>(
    mediaType: string,
    write: (temporaryPath: string) => Effect.Effect<void, E, R>,
  ) => Effect.Effect<Artifact, E | ArtifactStoreError, R>;
  /** Stores a small JSON document, in canonical form: equal values are one artifact. */
  readonly putJson: (value: unknown) => Effect.Effect<Artifact, ArtifactStoreError>;
  /** The path of a stored artifact; fails if it is absent or its size differs. */
  readonly path: (artifact: Artifact) => Effect.Effect<string, ArtifactMissing>;
  /**
   * Reads the whole file and compares digests; once for a file that has not been touched since.
   */
  readonly verify: (
    artifact: Artifact,
  ) => Effect.Effect<void, ArtifactMissing | ArtifactStoreError>;
  /** Parses a JSON artifact after verifying it. */
  readonly readJson: (
    artifact: Artifact,
  ) => Effect.Effect<unknown, ArtifactMissing | ArtifactStoreError>;
  /**
   * An empty folder that only this user can read, removed with the scope. What a killed process left
   * of it is removed by the next one.
   */
  readonly temporaryFolder: Effect.Effect<string, ArtifactStoreError, Scope.Scope>;
}

/**
 * The store of artifacts.
 *
 * @example
 * ```ts
 * import { Artifact } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const program = Effect.gen(function* () {
 *   const store = yield* Artifact.ArtifactStore;
 *   return yield* store.putJson({ answer: 42 });
 * }).pipe(Effect.provide(Artifact.ArtifactStore.layerTemporary));
 * ```
 */
export class ArtifactStore extends Context.Service<ArtifactStore, ArtifactStoreShape>()(
  "@ml-pipe/core/ArtifactStore",
) {
  /** Artifacts in `folder/artifacts`, made if absent. */
  static readonly layer = (folder: string): Layer.Layer<ArtifactStore, ArtifactStoreError> =>
    Layer.effect(ArtifactStore, make(folder));

  /** Artifacts in a temporary folder that is removed with the scope: for tests and embedding. */
  static readonly layerTemporary: Layer.Layer<ArtifactStore, ArtifactStoreError> = Layer.effect(
    ArtifactStore,
    Effect.acquireRelease(
      Effect.suspend(() =>
        attempt("create", os.tmpdir(), () => fs.mkdtemp(path.join(os.tmpdir(), "ml-pipe-"))),
      ),
      (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true })),
    ).pipe(Effect.flatMap((folder) => make(folder))),
  );
}

const make = Effect.fnUntraced(function* (folder: string) {
  const root = path.resolve(folder, "artifacts");
  const temporary = path.resolve(folder, "tmp");
  yield* attempt("create", root, () => fs.mkdir(root, { recursive: true }));
  yield* attempt("create", temporary, () => fs.mkdir(temporary, { recursive: true }));
  yield* attempt("clear", temporary, () => removeAbandoned(temporary));
  /** What files looked like when their bytes were last compared with their digest. */
  const verified = new Map<string, string>();

  const pathOf = (digest: Digest) => {
    const hex = digest.slice("sha256-".length);
    return path.join(root, hex.slice(0, 2), hex);
  };

  const temporaryName = () =>
    path.join(temporary, `${process.pid}-${randomBytes(8).toString("hex")}`);

  const temporaryFolder: ArtifactStoreShape["temporaryFolder"] = Effect.acquireRelease(
    Effect.suspend(() => {
      const name = temporaryName();
      return Effect.as(
        attempt("create", name, () => fs.mkdir(name, { mode: 0o700 })),
        name,
      );
    }),
    (name) =>
      Effect.promise(() =>
        fs.rm(name, { recursive: true, force: true, maxRetries: 3 }).catch(() => {}),
      ),
  );

  const put: ArtifactStoreShape["put"] = (mediaType, write) => {
    const temporaryPath = temporaryName();
    return Effect.gen(function* () {
      yield* write(temporaryPath);
      const { digest, bytes } = yield* attempt("read", temporaryPath, () =>
        digestFile(temporaryPath),
      );
      const target = pathOf(digest);
      yield* Effect.uninterruptible(attempt("store", target, () => publish(temporaryPath, target)));
      return { digest, bytes, mediaType };
    }).pipe(
      Effect.ensuring(Effect.promise(() => fs.rm(temporaryPath, { force: true }).catch(() => {}))),
    );
  };

  const putJson: ArtifactStoreShape["putJson"] = (value) =>
    put("application/json", (file) =>
      attempt("write", file, (signal) => fs.writeFile(file, canonicalJson(value), { signal })),
    );

  const missing = ({ digest }: Artifact, reason: ArtifactMissing["reason"]) =>
    new ArtifactMissing({ digest, path: pathOf(digest), reason });

  const find = Effect.fnUntraced(function* (artifact: Artifact) {
    const file = pathOf(artifact.digest);
    const stat = yield* Effect.promise(() =>
      fs.stat(file, { bigint: true }).catch(() => undefined),
    );
    if (stat === undefined) return yield* missing(artifact, "absent");
    if (stat.size !== BigInt(artifact.bytes)) return yield* missing(artifact, "corrupt");
    return { file, stat };
  });

  const verify: ArtifactStoreShape["verify"] = Effect.fnUntraced(function* (artifact) {
    const { file, stat } = yield* find(artifact);
    const look = `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs}`;
    if (verified.get(file) === look) return;
    // A file touched within the clock's resolution could change again and look the same.
    const settled = Date.now() - Number(stat.ctimeMs) > 2000;
    const found = yield* attempt("read", file, () => digestFile(file));
    if (found.digest !== artifact.digest) return yield* missing(artifact, "corrupt");
    if (settled) verified.set(file, look);
  });

  const readJson: ArtifactStoreShape["readJson"] = Effect.fnUntraced(function* (artifact) {
    const { file } = yield* find(artifact);
    const text = yield* attempt("read", file, () => fs.readFile(file, "utf8"));
    if (ofBytes(text) !== artifact.digest) return yield* missing(artifact, "corrupt");
    return yield* attempt("parse", file, async (): Promise<unknown> => JSON.parse(text));
  });

  return ArtifactStore.of({
    put,
    putJson,
    path: (artifact) => Effect.map(find(artifact), ({ file }) => file),
    verify,
    readJson,
    temporaryFolder,
  });
});

/** Removes the temporary files of processes that are gone. */
const removeAbandoned = async (temporary: string): Promise<void> => {
  for (const name of await fs.readdir(temporary)) {
    const file = path.join(temporary, name);
    const stat = await fs.stat(file).catch(() => undefined);
    const pid = Number.parseInt(name, 10);
    if (stat === undefined || Number.isNaN(pid) || isAlive(pid, stat.mtimeMs)) continue;
    await fs.rm(file, { force: true, recursive: true }).catch(() => {});
  }
};

/** Syncs a finished temporary file and gives it its final name, which is synced too. */
const publish = async (from: string, to: string): Promise<void> => {
  const folder = path.dirname(to);
  const created = await fs.mkdir(folder, { recursive: true });
  await sync(from, "r+");
  await fs.rename(from, to);
  await sync(folder, "r").catch(ignoreUnsupported);
  if (created !== undefined) await sync(path.dirname(folder), "r").catch(ignoreUnsupported);
};

const sync = async (file: string, flags: string): Promise<void> => {
  const handle = await fs.open(file, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Windows and some network file systems cannot sync a folder, and need not. */
const ignoreUnsupported = (cause: unknown): void => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code !== "EPERM" && code !== "EISDIR" && code !== "EINVAL" && code !== "EACCES") throw cause;
};

/**
 * The digest and size in bytes of a file, read as a stream: in constant memory whatever its size.
 *
 * @example
 * ```ts
 * import { Artifact } from "@ml-pipe/core";
 *
 * const digestOf = async (file: string): Promise<string> => (await Artifact.digestFile(file)).digest;
 * ```
 */
export const digestFile = async (
  file: string,
): Promise<{ readonly digest: Digest; readonly bytes: number }> => {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), async (chunks) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  });
  return { digest: `sha256-${hash.digest("hex")}`, bytes };
};

const advice: { readonly [code: string]: string } = {
  ENOSPC: "The disk is full: free some space and run again; finished stages are kept.",
  EACCES: "Give this user write access, or choose another folder with --state.",
  EPERM: "Give this user write access, or choose another folder with --state.",
  EROFS: "The file system is read-only: choose another folder with --state.",
  EDQUOT: "The disk quota is used up: free some space and run again; finished stages are kept.",
  ENOTDIR: "Part of the path is a file, not a folder: choose another folder with --state.",
  EEXIST: "There is a file where a folder should be: choose another folder with --state.",
  ENOENT: "Check that the path exists.",
};

/**
 * Runs a file operation; a failure becomes an {@link ArtifactStoreError} that says what to do.
 *
 * @example
 * ```ts
 * import * as fs from "node:fs/promises";
 * import { Artifact } from "@ml-pipe/core";
 *
 * const size = (file: string) =>
 *   Artifact.attempt("read", file, async () => (await fs.stat(file)).size);
 * ```
 */
export const attempt = <A>(
  operation: string,
  file: string,
  run: (signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, ArtifactStoreError> =>
  Effect.tryPromise({ try: run, catch: ArtifactStoreError.of(operation, file) });

/**
 * Every artifact that a JSON value refers to, at any depth.
 *
 * @example
 * ```ts
 * import { Artifact } from "@ml-pipe/core";
 *
 * const none: number = Artifact.referencedBy({ rows: 3 }).length; // 0
 * ```
 */
export const referencedBy = (value: unknown): ReadonlyArray<Artifact> => {
  if (typeof value !== "object" || value === null) return [];
  if ("digest" in value && isArtifact(value)) return [value];
  return Object.values(value).flatMap(referencedBy);
};

const isArtifact = Schema.is(Artifact);
