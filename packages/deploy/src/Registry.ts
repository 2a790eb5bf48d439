/**
 * Registries: where releases are kept. A release is one JSON document that is written once and never
 * changes; its versions are 1, 2, 3 … within a name.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, Digest } from "@ml-pipe/core";
import type { Release } from "@ml-pipe/data";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { nearest } from "./internal/nearest.ts";
import { fromText, namesIn, toText, writeOnce } from "./internal/releaseFile.ts";

/** There is no such release. Names the closest ones. */
export class ReleaseNotFound extends Schema.TaggedError<ReleaseNotFound>()("ReleaseNotFound", {
  reference: Schema.String,
  /** Releases or names that may have been meant; empty if the registry has none. */
  nearest: Schema.Array(Schema.String),
  /** How many names the registry has. */
  names: Schema.Int,
}) {
  override get message(): string {
    const next =
      this.nearest.length > 0
        ? `Did you mean ${this.nearest.join(" or ")}?`
        : this.names === 0
          ? "Nothing has been released here yet: run a pipeline that deploys."
          : "See `ml-pipe releases` for those there are.";
    return `there is no release "${this.reference}". ${next}`;
  }
}

/** The registry could not be read or written: permissions, a full disk, a name that is no file name. */
export class RegistryError extends Schema.TaggedError<RegistryError>()("RegistryError", {
  operation: Schema.String,
  path: Schema.String,
  code: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot ${this.operation} ${this.path} (${this.code}). ${this.next}`;
  }
}

/** A release file is damaged or was changed. It is refused: what cannot be verified is not served. */
export class ReleaseCorrupt extends Schema.TaggedError<ReleaseCorrupt>()("ReleaseCorrupt", {
  path: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `the release in ${this.path} cannot be used: ${this.problem}. Restore the file from a copy, or move it away and release again.`;
  }
}

/** What reading one release can fail with. */
export type GetError = ReleaseNotFound | RegistryError | ReleaseCorrupt;

/** What a registry can do. */
export interface RegistryShape {
  /**
   * Publishes a release and gives it the next version of its name. Publishing the same again returns
   * the release that is there: same model or system, verdict, approval, charter,
   * threshold or costs, request, histories.
   */
  readonly publish: (
    candidate: Candidate,
  ) => Effect.Effect<Release.AnyRelease, RegistryError | ReleaseCorrupt>;
  /** Finds a release by `name@3`, `name@latest` or `name`. */
  readonly get: (reference: string) => Effect.Effect<Release.AnyRelease, GetError>;
  /** All releases, by name and then version. */
  readonly list: Effect.Effect<ReadonlyArray<Release.AnyRelease>, RegistryError | ReleaseCorrupt>;
}

/** A release before it has a version. */
export type Candidate =
  | Omit<Release.ModelRelease, "version">
  | Omit<Release.SystemRelease, "version">;

/**
 * The registry of releases.
 *
 * @example
 * ```ts
 * import { Registry } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const newest = Registry.Registry.use((registry) => registry.get("flight-delay@latest")).pipe(
 *   Effect.provide(Registry.Registry.layer(".ml-pipe")),
 * );
 * ```
 */
export class Registry extends Context.Service<Registry, RegistryShape>()(
  "@ml-pipe/deploy/Registry",
) {
  /** Releases in `folder/releases/<name>/<version>.json`. Reading creates nothing. */
  static readonly layer = (folder: string): Layer.Layer<Registry> =>
    Layer.succeed(Registry, make(path.join(folder, "releases")));
}

/** What the name of a release may look like: it is a folder's name too. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Whether a release can have this name: letters, digits, `.`, `_` and `-`, at most 100. */
export const isName = (name: string): boolean => namePattern.test(name);

const make = (root: string): RegistryShape => {
  const fileOf = (name: string, version: number) => path.join(root, name, `${version}.json`);

  const names = attempt("read", root, () => namesIn(root)).pipe(
    Effect.map((found) => found.filter(isName).toSorted()),
  );

  /** Version numbers in use, also by a file that was moved away as `3.json.bad`: none is given twice. */
  const numbers = Effect.fnUntraced(function* (name: string) {
    const folder = path.join(root, name);
    const files = yield* attempt("read", folder, () => namesIn(folder));
    const taken = files.flatMap((file) => /^([1-9]\d*)\.json/.exec(file)?.[1] ?? []).map(Number);
    const versions = files
      .flatMap((file) => /^([1-9]\d*)\.json$/.exec(file)?.[1] ?? [])
      .map(Number);
    return { last: Math.max(0, ...taken), versions: versions.toSorted((a, b) => a - b) };
  });

  const read = Effect.fnUntraced(function* (name: string, version: number) {
    const file = fileOf(name, version);
    const text = yield* attempt("read", file, () => fs.readFile(file, "utf8"));
    return yield* Effect.fromResult(
      Result.mapError(
        fromText(text, { name, version }),
        (problem) => new ReleaseCorrupt({ path: file, problem }),
      ),
    );
  });

  const publish: RegistryShape["publish"] = Effect.fnUntraced(function* (candidate) {
    const { name } = candidate;
    if (!isName(name)) {
      const next = "Choose a name of letters, digits, '.', '_' and '-'.";
      return yield* new RegistryError({
        operation: "name a release",
        path: name,
        code: "name",
        next,
      });
    }
    for (;;) {
      const { last, versions } = yield* numbers(name);
      for (const version of versions.toReversed()) {
        const existing = yield* read(name, version);
        if (identityOf(existing) === identityOf(candidate)) return existing;
      }
      const release = { ...candidate, version: last + 1 };
      const file = fileOf(name, release.version);
      const text = yield* toText(release);
      if (yield* attempt("write", file, () => writeOnce(file, text))) return release;
      // Another process took this version: look again, it may have published the same.
    }
  });

  const get: RegistryShape["get"] = Effect.fnUntraced(function* (reference) {
    const [name = "", wanted = "latest"] = reference.split(/@(.*)/s);
    const known = yield* names;
    const { versions } = known.includes(name) ? yield* numbers(name) : { versions: [] };
    const version =
      wanted === "latest" ? versions.at(-1) : versions.find((one) => String(one) === wanted);
    if (version === undefined) {
      const newest = versions.at(-1);
      return yield* new ReleaseNotFound({
        reference,
        nearest: newest === undefined ? nearest(name, known) : [`${name}@${newest}`],
        names: known.length,
      });
    }
    return yield* read(name, version);
  });

  const list: RegistryShape["list"] = Effect.gen(function* () {
    const all = yield* Effect.forEach(yield* names, (name) =>
      numbers(name).pipe(
        Effect.flatMap(({ versions }) => Effect.forEach(versions, (one) => read(name, one))),
      ),
    );
    return all.flat();
  });

  return Registry.of({ publish, get, list });
};

/** What makes two releases the same: all that determines their answers and their right to be. */
const identityOf = (release: Candidate): string =>
  Digest.ofJson([
    release.verdict.digest,
    release.approval,
    release.charter,
    release.request,
    release.decision,
    ...("system" in release
      ? [release.system, release.lists]
      : [
          release.model.document.digest,
          release.threshold ?? release.classCosts ?? null,
          release.histories.digest,
          release.knownUntil,
        ]),
  ]);

const attempt = <A>(
  operation: string,
  file: string,
  run: () => Promise<A>,
): Effect.Effect<A, RegistryError> =>
  Artifact.attempt(operation, file, run).pipe(
    Effect.mapError(
      ({ operation, path, code, next }) => new RegistryError({ operation, path, code, next }),
    ),
  );
