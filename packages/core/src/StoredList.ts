/**
 * Lists too long for memory: kept as an artifact with one item on each line, handed over by reference,
 * written and read as a stream.
 */
import * as fs from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import {
  Artifact,
  type ArtifactMissing,
  ArtifactStore,
  type ArtifactStoreError,
  attempt,
} from "./Artifact.ts";
import { annotationsOf, contractOf } from "./Contract.ts";
import { canonicalJson } from "./Digest.ts";
import { linesOf, listMediaType } from "./internal/intact.ts";

const AnyList = Schema.Struct({ artifact: Artifact, count: Schema.Int });

/** A list of `A` that is kept as an artifact: where it is, and how many items it has. */
export interface StoredList<out A> extends Schema.Schema.Type<typeof AnyList> {
  /** Only for the compiler: carries the items' type. */
  readonly "~item"?: A;
}

/** So many items are encoded and written at once. */
const chunkSize = 500;

/** An item of a list does not fit the schema it is written or read with. */
export class ListItemInvalid extends Schema.TaggedError<ListItemInvalid>()("ListItemInvalid", {
  /** From 1. */
  line: Schema.Int,
  problem: Schema.String,
}) {
  override get message(): string {
    return `item ${this.line} of a stored list does not fit its schema: ${this.problem}. Correct what writes the list, or the schema.`;
  }
}

/**
 * The schema of a stored list: what a stage names as its input or output. Items are checked when they
 * are written and when they are read.
 *
 * @example
 * ```ts
 * import { Stage, StoredList } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 * import * as Stream from "effect/Stream";
 *
 * const ids = Stage.make("ids", {
 *   input: {},
 *   output: StoredList.of(Schema.Int),
 *   run: () => StoredList.write(Stream.range(1, 1_000_000), Schema.Int),
 * });
 * ```
 */
export const of = <A>(
  item: Schema.ConstraintCodec<A, unknown>,
): Schema.Codec<StoredList<A>, unknown> => {
  const isThis = (list: typeof AnyList.Type): list is StoredList<A> => isStoredList(list);
  const contract = contractOf(item);
  return AnyList.pipe(
    Schema.refine(isThis, {
      title: "StoredList",
      expected: `a stored list (${listMediaType})`,
      // A list of values under a contract is under it too.
      ...(contract === undefined ? {} : annotationsOf({ spec: contract })),
    }),
  );
};

const isAnyList = Schema.is(AnyList);

/** Whether a value is a stored list, of whatever items. */
export const isStoredList = (value: unknown): value is StoredList<unknown> =>
  isAnyList(value) && value.artifact.mediaType === listMediaType;

/**
 * Stores the items of a stream, in their order: equal items make one artifact. Holds a few hundred at
 * a time. Nothing is stored if the stream fails or is interrupted.
 *
 * @example
 * ```ts
 * import { StoredList } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 * import * as Stream from "effect/Stream";
 *
 * const written = StoredList.write(Stream.make("a", "b"), Schema.String); // count: 2
 * ```
 */
export const write = Effect.fnUntraced(function* <A, E, R>(
  items: Stream.Stream<A, E, R>,
  item: Schema.ConstraintCodec<A, unknown>,
): Effect.fn.Return<
  StoredList<A>,
  E | ListItemInvalid | ArtifactStoreError,
  Exclude<R, never> | ArtifactStore
> {
  const artifacts = yield* ArtifactStore;
  const encode = Schema.encodeEffect(Schema.toCodecJson(item));
  let count = 0;
  const line = (value: A) =>
    encode(value).pipe(
      Effect.map((json) => (count++, `${canonicalJson(json)}\n`)),
      Effect.mapError(({ message }) => new ListItemInvalid({ line: count + 1, problem: message })),
    );
  const artifact = yield* artifacts.put(listMediaType, (file) =>
    Effect.acquireUseRelease(
      attempt("write", file, () => fs.open(file, "wx")),
      (handle) =>
        items.pipe(
          Stream.rechunk(chunkSize),
          Stream.mapEffect(line),
          Stream.rechunk(chunkSize),
          Stream.runForEachArray((lines) =>
            attempt("write", file, () => handle.appendFile(lines.join(""))),
          ),
        ),
      (handle) => Effect.promise(() => handle.close()),
    ),
  );
  return { artifact, count };
});

/** What reading a list can fail with. */
export type ReadError = ArtifactMissing | ArtifactStoreError | ListItemInvalid;

/**
 * The items of a list, in their order. Verifies first that the file is what was stored.
 *
 * @example
 * ```ts
 * import { StoredList } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 * import * as Stream from "effect/Stream";
 *
 * const sum = (list: StoredList.StoredList<number>) =>
 *   StoredList.stream(list, Schema.Finite).pipe(Stream.runFold(() => 0, (sum, n) => sum + n));
 * ```
 */
export const stream = <A>(
  list: StoredList<A>,
  item: Schema.ConstraintCodec<A, unknown>,
): Stream.Stream<A, ReadError, ArtifactStore> =>
  Stream.suspend(() => {
    const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(item)));
    return Stream.mapEffect(linesOf(list.artifact), (line, index) =>
      Effect.mapError(
        decode(line),
        ({ message }) => new ListItemInvalid({ line: index + 1, problem: message }),
      ),
    );
  });
