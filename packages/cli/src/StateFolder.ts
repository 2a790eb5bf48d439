/** The state folder: where it is, and the light way to read what is recorded there. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import { Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { defaultFolder } from "./defaultFolder.ts";
import { shortPath, similar } from "./view/text.ts";

/** What to add to a command so that it finds the same state folder. */
export const stateFlag = (folder: string): string => {
  const usual = process.env["ML_PIPE_STATE"] ?? defaultFolder;
  return path.resolve(folder) === path.resolve(usual)
    ? ""
    : ` --state ${shortPath(path.resolve(folder))}`;
};

/** Where the report of a run is, if it was written. */
export const reportFile = (folder: string, run: string): string =>
  path.join(folder, "reports", `${run}.html`);

/** The path of a run's report, if it is there. */
export const existingReport = (folder: string, run: string): { readonly report?: string } => {
  const report = reportFile(folder, run);
  return existsSync(report) ? { report } : {};
};

/** There is no run yet, or none with that name, or several that it could be. */
export class RunMissing extends Schema.TaggedError<RunMissing>()("RunMissing", {
  folder: Schema.String,
  wanted: Schema.optionalKey(Schema.String),
  candidates: Schema.Array(Schema.String),
  /** Whether the name is the beginning of each candidate. */
  ambiguous: Schema.optionalKey(Schema.Boolean),
}) {
  override get message(): string {
    const { wanted, candidates } = this;
    if (this.ambiguous === true) {
      return `"${wanted}" is the beginning of several runs: ${candidates.join(", ")}. Type more of the one that you mean, or see them all with: ml-pipe runs`;
    }
    if (wanted === undefined) {
      return `no runs are recorded in ${this.folder} yet. Run a pipeline with: ml-pipe run FILE (or name another state folder with --state)`;
    }
    const known =
      candidates.length === 0
        ? "See them with: ml-pipe runs"
        : `Did you mean ${candidates.join(" or ")}?`;
    return `no run "${wanted}" is recorded in ${this.folder}. ${known}`;
  }
}

/** Reads from the record of runs, also where it cannot be written; a folder that has none is not made. */
export const withStore = <A, E>(
  folder: string,
  read: (store: Store.StoreShape) => Effect.Effect<A, E>,
): Effect.Effect<A, E | RunMissing | Store.StoreError> =>
  use(folder, Store.Store.layerToRead(folder), read);

/** Changes the record of runs; a folder that has none is not made. */
export const changeStore = <A, E>(
  folder: string,
  change: (store: Store.StoreShape) => Effect.Effect<A, E>,
): Effect.Effect<A, E | RunMissing | Store.StoreError> =>
  use(folder, Store.Store.layer(folder), change);

const use = <A, E>(
  folder: string,
  layer: Layer.Layer<Store.Store, Store.StoreError>,
  body: (store: Store.StoreShape) => Effect.Effect<A, E>,
): Effect.Effect<A, E | RunMissing | Store.StoreError> =>
  existsSync(path.join(folder, "ml-pipe.sqlite"))
    ? Store.Store.use(body).pipe(Effect.provide(layer))
    : Effect.fail(new RunMissing({ folder: shortPath(path.resolve(folder)), candidates: [] }));

/** The run that begins with `wanted`, or the newest. */
export const findRun = (folder: string, wanted: string | undefined) =>
  withStore(folder, (store) => runIn(store, folder, wanted));

/** The same in a store that is open. */
export const runIn = Effect.fnUntraced(function* (
  store: Store.StoreShape,
  folder: string,
  wanted: string | undefined,
) {
  const begin = wanted === undefined ? [] : yield* store.idsBeginning(wanted);
  if (wanted !== undefined && begin.length > 1 && !begin.includes(wanted)) {
    const where = shortPath(path.resolve(folder));
    return yield* new RunMissing({ folder: where, wanted, candidates: begin, ambiguous: true });
  }
  const found = yield* store.run(wanted);
  if (Option.isSome(found)) return found.value;
  const ids = (yield* store.runs(200)).map(({ id }) => id);
  return yield* new RunMissing({
    folder: shortPath(path.resolve(folder)),
    candidates: wanted === undefined ? [] : similar(wanted, ids),
    ...(wanted === undefined ? {} : { wanted }),
  });
});
