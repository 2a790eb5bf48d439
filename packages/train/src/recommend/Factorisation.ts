/**
 * Matrix factorisation in process, on typed arrays and worker threads: see `internal/alternating.ts` for
 * what is minimised. The same entries, options and seed give the same factors, bit for bit, on any number
 * of threads.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import {
  blocksOf,
  type Factorization,
  initialise,
  type Side,
  type SparseRows,
} from "../internal/alternating.ts";
import type { AlternatingInput, AlternatingReply } from "../internal/alternatingWorker.ts";
import { controlWords } from "../internal/team.ts";
import {
  failOn,
  type TrainingError,
  trainingError,
  type TrainingProblem,
} from "../internal/trainingData.ts";

/** How to factorise. */
export interface FactorisationOptions {
  /** Numbers that describe each user and each item. Default 32. */
  readonly factors?: number;
  /** λ: how much large numbers cost. Default 10. */
  readonly regularization?: number;
  /** Rounds of users, then items. Default 15. */
  readonly iterations?: number;
  /**
   * α, for implicit feedback: how much more an interaction weighs than a pair that did not occur, which
   * weighs 1. Default 1.
   */
  readonly confidence?: number;
  /** Decides where the search begins; default 0. */
  readonly seed?: number;
}

/** Which user met which item: three columns of one length, each pair at most once. */
export interface Entries {
  /** From 0 to `users − 1`. */
  readonly user: Float64Array;
  readonly item: Float64Array;
  /** The rating; for implicit feedback how often, or how much, at least 0. */
  readonly value: Float64Array;
  readonly users: number;
  readonly items: number;
}

/** Vectors of a side, row-major without the bias, and the biases (zeros for implicit feedback). */
export interface SideFactors {
  readonly factors: Float64Array;
  readonly bias: Float64Array;
}

/** What came of it: score = `base` + biases + product of the factors. */
export interface FactorisationResult {
  readonly base: number;
  readonly users: SideFactors;
  readonly items: SideFactors;
  /** The objective per entry after each round: it never rises. */
  readonly losses: ReadonlyArray<number>;
}

/** Beyond what the author of a pipeline says. */
export interface FactorisationSettings extends FactorisationOptions {
  readonly feedback: "explicit" | "implicit";
  /** Default: one per core. Does not change the result. */
  readonly threads?: number;
  readonly onProgress?: (iteration: number, loss: number) => void;
  /** Vectors of the items to begin with, row-major with the bias; default drawn from `seed`. */
  readonly start?: Float64Array;
}

/**
 * Factorises. Fails with a {@link TrainingError} that lists all faults of entries and options, if a
 * thread fails, or if a system has no finite solution (values near the largest double).
 *
 * @example
 * ```ts
 * import { Factorisation } from "@ml-pipe/train";
 *
 * const fit = Factorisation.factorise(
 *   {
 *     users: 2, items: 2,
 *     user: Float64Array.of(0, 0, 1), item: Float64Array.of(0, 1, 1), value: Float64Array.of(5, 3, 4),
 *   },
 *   { feedback: "explicit", factors: 2, regularization: 0.1 },
 * ); // Effect<FactorisationResult, TrainingError>
 * ```
 */
export const factorise = Effect.fnUntraced(function* (
  entries: Entries,
  settings: FactorisationSettings,
): Effect.fn.Return<FactorisationResult, TrainingError> {
  const { feedback, factors = 32, regularization = 10, iterations = 15 } = settings;
  const { confidence = 1, seed = 0 } = settings;
  yield* failOn(
    "options",
    optionProblems({ factors, regularization, iterations, confidence, seed }),
  );
  yield* failOn("data", entryProblems(entries, feedback));
  const threads = Math.max(1, settings.threads ?? availableParallelism());
  const explicit = feedback === "explicit";
  const width = explicit ? factors + 1 : factors;
  const side = (count: number, rows: Float64Array, columns: Float64Array): Side => ({
    count,
    entries: sparseRows(count, rows, columns, entries.value),
    vectors: doubles(count * width),
  });
  const blocks = blocksOf(Math.max(entries.users, entries.items));
  const shared: Factorization = {
    feedback,
    width,
    regularization,
    confidence,
    iterations,
    mean: explicit ? entries.value.reduce((sum, one) => sum + one, 0) / entries.value.length : 0,
    users: side(entries.users, entries.user, entries.item),
    items: side(entries.items, entries.item, entries.user),
    partial: doubles(blocks * (explicit ? 1 : width * width)),
    gram: { users: doubles(width * width), items: doubles(width * width) },
    failed: new Int32Array(new SharedArrayBuffer(4)),
  };
  if (settings.start === undefined) initialise(shared, seed);
  else shared.items.vectors.set(settings.start);
  const losses: Array<number> = [];
  yield* runThreads(shared, threads, (iteration, loss) => {
    losses.push(loss);
    settings.onProgress?.(iteration, loss);
  });
  const finite = losses.length === iterations && losses.every(Number.isFinite);
  if (shared.failed[0] === 1 || !finite) {
    return yield* trainingError("numeric", [
      {
        what: "a user or item has no finite solution",
        where: `round ${losses.length + 1} of ${iterations}`,
        next: "Values may be too large: scale them, or raise the regularisation.",
      },
    ]);
  }
  return {
    base: shared.mean,
    users: apart(shared.users, width, explicit),
    items: apart(shared.items, width, explicit),
    losses,
  };
});

const doubles = (size: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * size));

/** Entries by row, in their order within each: a counting sort. */
const sparseRows = (
  count: number,
  rows: Float64Array,
  columns: Float64Array,
  values: Float64Array,
): SparseRows => {
  const starts = doubles(count + 1);
  for (let at = 0; at < rows.length; at++) starts[rows[at]! + 1]! += 1;
  for (let row = 0; row < count; row++) starts[row + 1]! += starts[row]!;
  const next = starts.slice(0, count);
  const sorted = {
    starts,
    columns: new Int32Array(new SharedArrayBuffer(4 * rows.length)),
    values: doubles(rows.length),
  };
  for (let at = 0; at < rows.length; at++) {
    const to = next[rows[at]!]!++;
    sorted.columns[to] = columns[at]!;
    sorted.values[to] = values[at]!;
  }
  return sorted;
};

/** Takes the bias out of the vectors. */
const apart = ({ count, vectors }: Side, width: number, biased: boolean): SideFactors => {
  const factors = biased ? width - 1 : width;
  const bias = new Float64Array(count);
  const rest = new Float64Array(count * factors);
  for (let row = 0; row < count; row++) {
    if (biased) bias[row] = vectors[row * width + factors]!;
    rest.set(vectors.subarray(row * width, row * width + factors), row * factors);
  }
  return { factors: rest, bias };
};

const entry = new URL(
  import.meta.url.endsWith(".ts")
    ? "../internal/alternatingWorker.ts"
    : "../internal/alternatingWorker.js",
  import.meta.url,
);

/** Factorises on a team of threads, all of which have ended when this ends, by whatever way. */
const runThreads = (
  shared: Factorization,
  threads: number,
  onIteration: (iteration: number, loss: number) => void,
): Effect.Effect<void, TrainingError> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const done = Deferred.makeUnsafe<void, TrainingError>();
      const control = new Int32Array(new SharedArrayBuffer(4 * controlWords));
      const fail = (what: string) =>
        Deferred.doneUnsafe(
          done,
          Effect.fail(
            trainingError("worker", [
              {
                what,
                where: "training thread",
                next: "Train with fewer factors or threads if memory is short; otherwise report this as a bug.",
              },
            ]),
          ),
        );
      const workers = Array.from({ length: threads }, (_, thread) => {
        const input: AlternatingInput = { shared, control, thread, threads };
        const name = `ml-pipe factorising ${thread}`;
        const worker = new Worker(entry, { workerData: input, name });
        worker.on("error", (error) => fail(error.message));
        worker.on("message", (reply: AlternatingReply) => {
          if (reply._tag === "Iterated") onIteration(reply.iteration, reply.loss);
          else Deferred.doneUnsafe(done, Effect.void);
        });
        return worker;
      });
      return { workers, done };
    }),
    ({ done }) => Deferred.await(done),
    ({ workers }) => Effect.promise(() => Promise.all(workers.map((one) => one.terminate()))),
  );

const optionProblems = (
  options: Required<FactorisationOptions>,
): ReadonlyArray<TrainingProblem> => {
  const problems: Array<TrainingProblem> = [];
  const needs = (option: keyof FactorisationOptions, good: boolean, next: string) => {
    if (!good) problems.push({ what: `${option} is ${options[option]}`, where: "options", next });
  };
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 1;
  needs("factors", whole(options.factors) && options.factors <= 1024, "Give 1 to 1024 factors.");
  needs("iterations", whole(options.iterations), "Give a whole number of at least 1.");
  needs(
    "regularization",
    Number.isFinite(options.regularization) && options.regularization > 0,
    "Give a number above 0: without a penalty, a user with few items has no single solution.",
  );
  needs(
    "confidence",
    Number.isFinite(options.confidence) && options.confidence >= 0,
    "Give a number of at least 0.",
  );
  needs("seed", Number.isSafeInteger(options.seed), "Give a whole number.");
  return problems;
};

const entryProblems = (
  { user, item, value, users, items }: Entries,
  feedback: "explicit" | "implicit",
): ReadonlyArray<TrainingProblem> => {
  const next = "Check the query that numbers users and items.";
  if (user.length === 0) {
    return [
      {
        what: "there are no entries",
        where: "training data",
        next: "Check the split, and from which rating on an item counts as liked.",
      },
    ];
  }
  if (user.length !== item.length || user.length !== value.length) {
    return [{ what: "columns of different lengths", where: "training data", next }];
  }
  const within = (at: number, count: number) => Number.isInteger(at) && at >= 0 && at < count;
  const problems: Array<TrainingProblem> = [];
  const first = (what: (row: number) => string | undefined, next: string) => {
    for (let row = 0; row < user.length; row++) {
      const found = what(row);
      if (found !== undefined) return problems.push({ what: found, where: `entry ${row}`, next });
    }
    return 0;
  };
  first((row) => (within(user[row]!, users) ? undefined : `user ${user[row]} of ${users}`), next);
  first((row) => (within(item[row]!, items) ? undefined : `item ${item[row]} of ${items}`), next);
  first((row) => {
    const good = Number.isFinite(value[row]) && (feedback === "explicit" || value[row]! >= 0);
    return good ? undefined : `the value ${value[row]}`;
  }, "Quarantine interactions whose value is not a finite number (of at least 0 for implicit feedback).");
  return problems;
};
