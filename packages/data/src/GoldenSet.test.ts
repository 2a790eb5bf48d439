import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, Digest, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { relationOf, services, tableOf } from "../test-fixtures/tables.ts";
import { Duckdb, literal } from "./Duckdb.ts";
import type * as Expr from "./Expr.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as GoldenSet from "./GoldenSet.ts";
import * as Table from "./Table.ts";

const provided = Effect.provide(Layer.mergeAll(services, Store.Store.layerMemory));

const columns = {
  id: Column.int(),
  at: Column.timestamp(),
  km: Column.float(),
  late: Column.boolean({ availableAt: "outcome" }),
};
const Trip = Contract.make("trip", { version: "1", owner: "fleet", eventTime: "at", columns });
const set = FeatureSet.make("trip-features", {
  version: "1",
  of: Trip,
  decidedAt: "at",
  features: ($) => ({ km: $.km }),
  label: ($) => $.late,
});
const at = (day: number) => new Date(Date.UTC(2001, 0, 1 + day));
const rowsOf = (...days: ReadonlyArray<number>) =>
  days.map((day) => ({ km: day / 8, at: at(day), label: day % 2 === 0 }));

/** Writes rows into a file that goes with the scope, and names it as a golden set. */
const goldenOf = Effect.fnUntraced(function* (
  rows: ReadonlyArray<{ readonly [column: string]: unknown }>,
  more: { readonly version?: string; readonly query?: string } = {},
) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-golden-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
  );
  const file = path.join(folder, "golden.parquet");
  const db = yield* Duckdb;
  const query = more.query ?? `SELECT * FROM ${relationOf(set.contract, rows)}`;
  yield* db.execute("write", `COPY (${query}) TO ${literal(file)} (FORMAT parquet)`);
  const { digest } = yield* Effect.promise(() => Artifact.digestFile(file));
  return GoldenSet.make("hard-trips", {
    version: more.version ?? "1.0.0",
    of: set,
    path: file,
    digest,
  });
});

describe("a golden set", () => {
  it.effect("is read in place, in its role, under its digest", () =>
    Effect.gen(function* () {
      const golden = yield* goldenOf(rowsOf(1, 2, 3));
      const table = yield* GoldenSet.stage(golden).run({});
      assert.strictEqual(table.role, "golden");
      assert.strictEqual(table.rows, 3);
      assert.strictEqual(Table.digestOf(table), golden.digest);
      const { goldens } = yield* Store.Store;
      const [registered] = yield* goldens.of("trip");
      assert.strictEqual(registered?.name, "hard-trips");
      assert.deepStrictEqual(registered?.identity, ["km", "at"]);
      assert.strictEqual(registered?.hashes.length, 3);
    }).pipe(Effect.scoped, provided),
  );

  it.effect("does not change under its version: neither the file nor the name", () =>
    Effect.gen(function* () {
      const golden = yield* goldenOf(rowsOf(1, 2, 3));
      yield* GoldenSet.stage(golden).run({});
      const other = yield* goldenOf(rowsOf(1, 2, 4));
      const taken = yield* Effect.flip(GoldenSet.stage(other).run({}));
      assert.strictEqual(taken._tag, "GoldenSetChanged");
      yield* GoldenSet.stage({ ...other, version: "1.1.0" }).run({});

      const edited = { ...golden, digest: Digest.ofBytes("agreed on") };
      const changed = yield* Effect.flip(GoldenSet.stage(edited).run({}));
      assert.strictEqual(changed._tag, "GoldenSetChanged");
      assert.include(changed.message, `has the digest ${golden.digest}`);
      const missing = { ...golden, path: "no/such/file.parquet" };
      assert.include((yield* Effect.flip(GoldenSet.stage(missing).run({}))).message, "no file");
    }).pipe(Effect.scoped, provided),
  );

  it.effect("needs rows, labels and differences; all problems are told", () =>
    Effect.gen(function* () {
      const problems = Effect.fnUntraced(function* (golden: GoldenSet.GoldenSet) {
        const error = yield* Effect.flip(GoldenSet.stage(golden).run({}));
        return error._tag === "GoldenSetInvalid" ? error.problems.join("; ") : error.message;
      });
      const [first, second] = rowsOf(1, 2);
      const bad = yield* goldenOf([first!, { ...first, label: null }, { ...second, label: null }]);
      const found = yield* problems(bad);
      assert.include(found, "2 rows without a label");
      assert.include(found, "1 row the same as another by km, at");
      assert.include(yield* problems(yield* goldenOf([])), "it has no rows");
      const undated = yield* goldenOf([{ ...first, at: null }]);
      assert.include(yield* problems(undated), "1 row without the moment of the decision");
      const wrongColumns = yield* goldenOf([], { query: "SELECT 'x' AS km, true AS label" });
      const columnProblems = yield* problems(wrongColumns);
      assert.include(columnProblems, "km: expected float (DOUBLE), found VARCHAR");
      assert.include(columnProblems, "at: expected");
    }).pipe(Effect.scoped, provided),
  );
});

describe("training rows", () => {
  it.effect("that are golden are refused, with their numbers; whatever their label says", () =>
    Effect.gen(function* () {
      yield* GoldenSet.stage(yield* goldenOf(rowsOf(3, 5, 7))).run({});
      const apart = yield* tableOf(set.contract, "train", rowsOf(1, 2, 4));
      assert.deepStrictEqual(yield* GoldenSet.requireApart(set, apart), []);
      const rows = rowsOf(1, 5, 2, 7).map((row) => ({ ...row, label: true }));
      const mixed = yield* tableOf(set.contract, "train", rows);
      const error = yield* Effect.flip(GoldenSet.requireApart(set, mixed));
      assert.strictEqual(error._tag, "GoldenRowsInTraining");
      assert.include(
        error.message,
        "2 rows of the training table (row 1, 3) are in the golden set hard-trips@1.0.0 by km, at",
      );
    }).pipe(Effect.scoped, provided),
  );

  it.effect("are compared with an unregistered golden set too", () =>
    Effect.gen(function* () {
      const golden = yield* goldenOf(rowsOf(3, 5));
      const rows = yield* tableOf(set.contract, "golden", rowsOf(3, 5));
      const train = yield* tableOf(set.contract, "train", rowsOf(5, 6));
      const error = yield* Effect.flip(GoldenSet.requireNotIn(golden, rows, train));
      assert.strictEqual(error._tag, "GoldenRowsInTraining");
      const other = yield* tableOf(set.contract, "train", rowsOf(6));
      yield* GoldenSet.requireNotIn(golden, rows, other);
    }).pipe(Effect.scoped, provided),
  );

  it.effect("are taken out before the split, in order", () =>
    Effect.gen(function* () {
      const golden = yield* goldenOf(rowsOf(3, 5));
      const table = yield* GoldenSet.stage(golden).run({});
      const data = yield* tableOf(set.contract, "checked", rowsOf(1, 3, 4, 5, 6));
      const rest = yield* GoldenSet.withhold(golden).run({ data, golden: table });
      const db = yield* Duckdb;
      const kept = yield* db.rows("read", `SELECT km FROM ${yield* Table.relation(rest)}`);
      assert.deepStrictEqual(
        kept.map(({ km }) => Number(km) * 8),
        [1, 4, 6],
      );
      assert.strictEqual(rest.role, "checked");
    }).pipe(Effect.scoped, provided),
  );

  it.effect("under features that do not tell golden rows apart are a finding, not a pass", () =>
    Effect.gen(function* () {
      yield* GoldenSet.stage(yield* goldenOf(rowsOf(3))).run({});
      const other = FeatureSet.make("other-features", {
        version: "1",
        of: Trip,
        decidedAt: "at",
        features: ($) => ({ far: $.km.gt(1) }),
        label: ($) => $.late,
      });
      const train = yield* tableOf(other.contract, "train", [
        { far: true, at: at(3), label: true },
      ]);
      const [finding] = yield* GoldenSet.requireApart(other, train);
      assert.strictEqual(finding?.severity, "warn");
      assert.include(finding?.found, "could not run");
    }).pipe(Effect.scoped, provided),
  );

  it.effect("are told by their key where there is one, under any features", () =>
    Effect.gen(function* () {
      const Keyed = Contract.make("keyed", {
        version: "1",
        owner: "fleet",
        eventTime: "at",
        columns,
        key: ["id"],
      });
      const make = (name: string, factor: number) =>
        FeatureSet.make(name, {
          version: "1",
          of: Keyed,
          decidedAt: "at",
          keep: ["id"],
          features: ($) => ({ km: $.km.times(factor) }),
          label: ($) => $.late,
        });
      const [one, two] = [make("one", 1), make("two", 2)];
      const row = { id: 7, km: 1, at: at(1), label: true };
      const { goldens } = yield* Store.Store;
      const rows = yield* tableOf(one.contract, "golden", [row]);
      const file = yield* Table.pathOf(rows);
      const golden = GoldenSet.make("keyed", {
        version: "1",
        of: one,
        path: file,
        digest: Table.digestOf(rows),
      });
      yield* GoldenSet.stage(golden).run({});
      assert.deepStrictEqual((yield* goldens.of("keyed"))[0]?.identity, ["id"]);
      const train = yield* tableOf(two.contract, "train", [{ ...row, km: 2 }]);
      assert.strictEqual(
        (yield* Effect.flip(GoldenSet.requireApart(two, train)))._tag,
        "GoldenRowsInTraining",
      );
    }).pipe(Effect.scoped, provided),
  );

  it.effect("have nothing to be compared with outside an engine", () =>
    Effect.gen(function* () {
      const train = yield* tableOf(set.contract, "train", rowsOf(1));
      assert.deepStrictEqual(yield* GoldenSet.requireApart(set, train), []);
      assert.deepStrictEqual(yield* GoldenSet.registeredDigests(set), []);
    }).pipe(Effect.provide(services)),
  );
});

describe("write", () => {
  it.effect("writes chosen rows, whose digest the set is made with, and never over a file", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-golden-"))),
        (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
      );
      const rows = yield* tableOf(set.contract, "checked", rowsOf(1, 2, 3, 4, 5));
      const file = path.join(folder, "kept", "hard.parquet");
      const options = { path: file, where: ($: Expr.Columns<typeof set.contract>) => $.km.gt(0.3) };
      const written = yield* GoldenSet.write(set, rows, options);
      assert.strictEqual(written.rows, 3);
      const golden = GoldenSet.make("hard-trips", {
        version: "1.0.0",
        of: set,
        path: file,
        digest: written.digest,
      });
      assert.strictEqual((yield* GoldenSet.stage(golden).run({})).rows, 3);
      const again = yield* Effect.flip(GoldenSet.write(set, rows, options));
      assert.strictEqual(again._tag, "GoldenFileExists");
      assert.deepStrictEqual(fs.readdirSync(path.dirname(file)), ["hard.parquet"]);
    }).pipe(provided),
  );
});
