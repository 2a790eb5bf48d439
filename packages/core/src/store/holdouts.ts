/** The holdout ledger as it is recorded: every look at a test set, for ever, whatever runs are removed. */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { Digest } from "../Digest.ts";
import {
  correctedLevel,
  HoldoutSpent,
  Look,
  type LookOutcome,
  sameFrom,
  sharedRows,
  type TestSet,
} from "../Holdout.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** A look that is asked for. */
export interface LookRequest extends Pick<
  Look,
  | "table"
  | "split"
  | "featureSet"
  | "model"
  | "purpose"
  | "at"
  | "run"
  | "pipeline"
  | "stage"
  | "by"
  | "nominalLevel"
> {
  readonly testSet: TestSet;
  /** How many models are announced to be judged on these rows, this one among them. */
  readonly looks: number;
  readonly justification?: string;
}

/** How looks are recorded and found. */
export interface HoldoutStore {
  /** The rows of a table that was looked at before, recognised by the same columns. */
  readonly testSetOf: (
    table: Digest,
    identity: string,
  ) => Effect.Effect<Option.Option<TestSet>, StoreError>;
  /** The looks at these rows that count, the oldest first: under any split, by any pipeline. */
  readonly looksAt: (testSet: TestSet) => Effect.Effect<ReadonlyArray<Look>, StoreError>;
  /**
   * Records that a model is about to be judged, before anything is seen. Fails with
   * {@link HoldoutSpent} if more models than announced have been judged on these rows; a model that was
   * judged on them before is no new look.
   */
  readonly begin: (request: LookRequest) => Effect.Effect<Look, StoreError | HoldoutSpent>;
  /** Records what became of a look. */
  readonly end: (id: number, outcome: LookOutcome) => Effect.Effect<void, StoreError>;
  /** All looks, the oldest first. */
  readonly all: Effect.Effect<ReadonlyArray<Look>, StoreError>;
}

// Retention knows these tables by their prefix: they go with no run and hold on to no artifact.
const tables = `
  CREATE TABLE IF NOT EXISTS holdout_test_set (
    digest TEXT PRIMARY KEY, contract TEXT NOT NULL, identity TEXT NOT NULL, rows INTEGER NOT NULL,
    sample TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS holdout_look (
    id INTEGER PRIMARY KEY, test_set TEXT NOT NULL REFERENCES holdout_test_set,
    table_digest TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS holdout_look_by_test_set ON holdout_look (test_set);
  CREATE INDEX IF NOT EXISTS holdout_look_by_table ON holdout_look (table_digest);
`;

/** See {@link HoldoutStore}. */
export const holdoutStore = Effect.fnUntraced(function* ({ db, attempt, together }: Database) {
  const sql = yield* attempt("open the holdout ledger", () => {
    db.exec(tables);
    return {
      putTestSet: db.prepare(
        "INSERT OR IGNORE INTO holdout_test_set (digest, contract, identity, rows, sample) VALUES (?, ?, ?, ?, ?)",
      ),
      testSets: db.prepare("SELECT * FROM holdout_test_set WHERE contract = ? ORDER BY digest"),
      testSetOf: db.prepare(`
        SELECT holdout_test_set.* FROM holdout_test_set JOIN holdout_look ON test_set = digest
        WHERE table_digest = ? AND identity = ? LIMIT 1`),
      next: db.prepare("SELECT coalesce(max(id), 0) + 1 AS id FROM holdout_look"),
      put: db.prepare(
        "INSERT INTO holdout_look (id, test_set, table_digest, record) VALUES (?, ?, ?, ?)",
      ),
      end: db.prepare(
        "UPDATE holdout_look SET record = json_set(record, '$.outcome', ?2) WHERE id = ?1",
      ),
      at: db.prepare("SELECT record FROM holdout_look WHERE test_set = ? ORDER BY id"),
      all: db.prepare("SELECT record FROM holdout_look ORDER BY id"),
    };
  });
  const look = coder(Look);

  const toTestSet = (row: Record<string, unknown>): TestSet => ({
    digest: String(row["digest"]),
    contract: String(row["contract"]),
    identity: String(row["identity"]),
    rows: Number(row["rows"]),
    sample: String(row["sample"]).split(" "),
  });

  /** Looks that count, at test sets that share enough rows, and the largest share. */
  const before = (testSet: TestSet) => {
    const same = sql.testSets.all(testSet.contract).flatMap((row) => {
      const shared = sharedRows({ of: testSet, other: toTestSet(row) });
      return shared < sameFrom ? [] : [{ digest: String(row["digest"]), shared }];
    });
    const looks = same
      .flatMap(({ digest, shared }) =>
        sql.at.all(digest).map((row) => ({ shared, look: look.read(row) })),
      )
      .filter((one) => one.look.outcome !== "nothing-seen")
      .toSorted((a, b) => a.look.id - b.look.id);
    return looks;
  };

  const begin = (request: LookRequest): Look | HoldoutSpent => {
    const { testSet, looks, justification, ...rest } = request;
    const known = before(testSet);
    const others = known.filter(({ look }) => look.model !== request.model);
    const models = [...new Set(known.map(({ look }) => look.model))];
    const seen = models.indexOf(request.model);
    const count = models.length + (seen === -1 ? 1 : 0);
    if (seen === -1 && count > looks) {
      return new HoldoutSpent({
        testSet: testSet.digest,
        rows: testSet.rows,
        announced: looks,
        before: others.map((one) => one.look),
        shared: Math.max(...others.map(({ shared }) => shared)),
      });
    }
    const correctedFor = Math.max(looks, count);
    const begun: Look = {
      ...rest,
      id: Number(sql.next.get()?.["id"]),
      testSet: testSet.digest,
      rows: testSet.rows,
      number: seen === -1 ? count : seen + 1,
      correctedFor,
      level: correctedLevel(request.nominalLevel, correctedFor),
      ...(justification === undefined ? {} : { justification }),
      outcome: "open",
    };
    const { digest, contract, identity, rows, sample } = testSet;
    sql.putTestSet.run(digest, contract, identity, rows, sample.join(" "));
    sql.put.run(begun.id, testSet.digest, request.table, look.write(begun));
    return begun;
  };

  return {
    testSetOf: (table, identity) =>
      attempt("look a test set up", () =>
        Option.fromUndefinedOr(sql.testSetOf.get(table, identity)).pipe(Option.map(toTestSet)),
      ),
    looksAt: (testSet) =>
      attempt("read the holdout ledger", () => before(testSet).map((one) => one.look)),
    begin: (request) =>
      attempt("record a look at a test set", () => together(() => begin(request))).pipe(
        Effect.flatMap((begun) =>
          begun instanceof HoldoutSpent ? Effect.fail(begun) : Effect.succeed(begun),
        ),
      ),
    end: (id, outcome) =>
      attempt("record what became of a look", () => void sql.end.run(id, outcome)),
    all: attempt("read the holdout ledger", () => sql.all.all().map(look.read)),
  } satisfies HoldoutStore;
});
