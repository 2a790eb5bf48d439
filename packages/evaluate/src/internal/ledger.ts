/** How an evaluation uses the holdout ledger: a look is recorded before the first row is scored. */
import { type Artifact, type Holdout, Stage, Store } from "@ml-pipe/core";
import { type Duckdb, Table, TestRows } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import type { HoldoutOptions } from "../Judging.ts";

interface Looked {
  /** What is judged, by its document: a model, or lists. */
  readonly model: { readonly document: Pick<Artifact.Artifact, "digest"> };
  readonly data: Table.AnyTable;
}

/** The rows of a test table: as the ledger knows them, or read. */
const testSetOf = Effect.fnUntraced(function* (
  set: TestRows.Recognised,
  data: Table.AnyTable,
): Effect.fn.Return<
  Holdout.TestSet,
  Duckdb.DuckdbError | Table.ReadError | Store.StoreError,
  Duckdb.Duckdb | Artifact.ArtifactStore | Store.Store
> {
  const { holdouts } = yield* Store.Store;
  const known = yield* holdouts.testSetOf(
    Table.digestOf(data),
    TestRows.identityOf(set).join(", "),
  );
  return Option.isSome(known) ? known.value : yield* TestRows.of(set, data);
});

/** For how many looks the intervals of an evaluation would be corrected now. */
export const correctedFor = Effect.fnUntraced(function* (
  set: TestRows.Recognised,
  { model, data, looks }: Looked & { readonly looks: number },
) {
  const { holdouts } = yield* Store.Store;
  const before = yield* holdouts.looksAt(yield* testSetOf(set, data));
  const models = new Set([...before.map((look) => look.model), model.document.digest]);
  return Math.max(looks, models.size);
});

/** Records that a model is about to be judged on the rows of a test table. */
export const begin = Effect.fnUntraced(function* (
  set: TestRows.Recognised,
  {
    model,
    data,
    holdout: { looks, justification },
    level,
    purpose,
  }: Looked & {
    readonly holdout: { readonly looks: number; readonly justification: string };
    readonly level: number;
    readonly purpose: string;
  },
) {
  const { holdouts } = yield* Store.Store;
  const current = yield* Stage.CurrentRun;
  const { run, pipeline, stage, startedBy } = current ?? {};
  return yield* holdouts.begin({
    testSet: yield* testSetOf(set, data),
    table: Table.digestOf(data),
    split: data.split,
    featureSet: set.spec.name,
    model: model.document.digest,
    purpose,
    at: new Date(yield* Clock.currentTimeMillis),
    nominalLevel: level,
    looks,
    ...(justification === "" ? {} : { justification }),
    ...(run === undefined ? {} : { run }),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(stage === undefined ? {} : { stage }),
    ...(startedBy === undefined ? {} : { by: startedBy }),
  });
});

/**
 * Records what became of a look. What failed or was interrupted in here has told nobody anything; a
 * process that dies leaves the look open, and that counts.
 */
export const end =
  <A>({ id }: Holdout.Look, outcomeOf: (value: A) => Holdout.LookOutcome) =>
  <E, R>(
    judging: Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | Store.StoreError, R | Store.Store> =>
    Effect.onExit(judging, (exit) =>
      Store.Store.use(({ holdouts }) =>
        holdouts.end(id, Exit.isSuccess(exit) ? outcomeOf(exit.value) : "nothing-seen"),
      ),
    );

/** Throws a `TypeError` for a number of looks that is none, or that nobody gave a reason for. */
export const requireReason = ({ looks, justification }: HoldoutOptions): void => {
  if (!(Number.isInteger(looks) && looks >= 1)) {
    throw new TypeError(
      `evaluate: holdout.looks is ${looks}; give the number of models, 1 or more`,
    );
  }
  if (looks > 1 && justification.trim() === "") {
    throw new TypeError(
      `evaluate: ${looks} looks at the test rows need a justification; say why in holdout.justification`,
    );
  }
};
