import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as fc from "fast-check";
import { tableOf, withTables } from "../../test-fixtures/tables.ts";
import { Duckdb } from "../Duckdb.ts";
import * as Split from "../Split.ts";
import * as Table from "../Table.ts";

const about = {
  version: "1",
  owner: "lab",
  columns: {
    id: Column.string(),
    who: Column.string({ nullable: true }),
    x: Column.float(),
    ill: Column.boolean({ nullable: true, availableAt: "outcome" }),
  },
} as const;
/** Rows known by their key. */
const Scan = Contract.make("scan", { ...about, key: ["id"] });
/** Rows known by their content only. */
const Anonymous = Contract.make("anonymous", about);
/** Rows that belong to a patient. */
const PatientScan = Contract.make("patient-scan", { ...about, group: "who" });

type Row = {
  readonly id: string;
  readonly who: string | null;
  readonly x: number;
  readonly ill: boolean | null;
};
const rowAt = (i: number, change: Partial<Row> = {}): Row => ({
  id: `r${i}`,
  who: `p${i % 7}`,
  x: i,
  ill: i % 3 === 0,
  ...change,
});
const rowsTo = (count: number): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, i) => rowAt(i));

const roles = ["train", "validation", "test"] as const;
const shares = { validation: 0.2, test: 0.25 };

type Parts = { readonly [role in (typeof roles)[number]]: Table.AnyTable };

/** The role of each row by its id. */
const rolesOf = Effect.fnUntraced(function* (parts: Parts) {
  const db = yield* Duckdb;
  const found = new Map<string, string>();
  for (const role of roles) {
    const rows = yield* db.rows(
      "read",
      `SELECT DISTINCT id FROM ${yield* Table.relation(parts[role])}`,
    );
    for (const { id } of rows) {
      assert.isFalse(found.has(String(id)), `${String(id)} is in two parts`);
      found.set(String(id), role);
    }
  }
  return found;
});

const told = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const findings: Array<Finding.Finding> = [];
    const exhibits: Array<Exhibit.Exhibit> = [];
    const value = yield* effect.pipe(
      Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Finding") findings.push(event.finding);
          if (event._tag === "Exhibit") exhibits.push(event.exhibit);
        }),
      ),
    );
    return { value, findings, exhibits };
  });

const tables = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 60, maxLength: 150 });

describe("Split.random", () => {
  it.live("puts each row into one part, the same in any order and whatever rows are added", () =>
    Effect.gen(function* () {
      for (const [numbers, seed] of fc.sample(fc.tuple(tables, fc.nat(5)), {
        numRuns: 6,
        seed: 1,
      })) {
        const split = Split.random(Scan, { ...shares, seed });
        const rows = numbers.map((i) => rowAt(i));
        const whole = yield* split.run({ data: yield* tableOf(Scan, "checked", rows) });
        const before = yield* rolesOf(whole);
        assert.sameMembers(
          [...before.keys()],
          rows.map(({ id }) => id),
        );
        const more = [...rows.toReversed(), ...rowsTo(600).slice(500)];
        const after = yield* rolesOf(
          yield* split.run({ data: yield* tableOf(Scan, "checked", more) }),
        );
        for (const [id, role] of before) assert.strictEqual(after.get(id), role);
        assert.strictEqual(after.size, rows.length + 100);
      }
    }).pipe(withTables),
  );

  it.live("gives each part its share of each stratum, to less than one row", () =>
    Effect.gen(function* () {
      const values = fc.constantFrom(true, false, null);
      const strata = fc.array(values, { minLength: 40, maxLength: 120 });
      for (const [ill, seed] of fc.sample(fc.tuple(strata, fc.nat(5)), { numRuns: 4, seed: 2 })) {
        const rows = ill.map((one, i) => rowAt(i, { ill: one }));
        const split = Split.random(Scan, { ...shares, seed, stratify: "ill" });
        const run = yield* split.run({ data: yield* tableOf(Scan, "checked", rows) });
        const found = yield* rolesOf(run);
        assert.strictEqual(found.size, rows.length);
        const again = yield* rolesOf(
          yield* split.run({ data: yield* tableOf(Scan, "checked", rows.toReversed()) }),
        );
        assert.deepStrictEqual(new Map([...again].toSorted()), new Map([...found].toSorted()));
        for (const value of [true, false, null]) {
          const ids = rows.filter((row) => row.ill === value).map(({ id }) => id);
          const upTo = (...these: ReadonlyArray<string>) =>
            ids.filter((id) => these.includes(found.get(id) ?? "")).length;
          assert.isBelow(Math.abs(upTo("test") - shares.test * ids.length), 1);
          // The borders are less than one row off, so what lies between two is less than two off.
          const both = (shares.test + shares.validation) * ids.length;
          assert.isBelow(Math.abs(upTo("test", "validation") - both), 1);
        }
      }
    }).pipe(withTables),
  );

  it.effect("shares out rows of many small strata as a whole", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 2000 }, (_, i) => rowAt(i, { who: `p${i >> 1}` }));
      const split = Split.random(Scan, { ...shares, stratify: "who" });
      const { value, findings, exhibits } = yield* told(
        split.run({ data: yield* tableOf(Scan, "checked", rows) }),
      );
      assert.isBelow(Math.abs(value.test.rows - 500), 60);
      assert.isBelow(Math.abs(value.validation.rows - 400), 60);
      const [few] = findings;
      assert.strictEqual(few?.check, "split.strata");
      assert.match(few?.found ?? "", /^1,000 values of 1000 with too few rows/);
      assert.deepStrictEqual([few?.severity, few?.rows, few?.column], ["warn", 2000, "who"]);
      const [, strata] = exhibits;
      assert.strictEqual(strata?.caption, "and 980 values with fewer rows");
      assert.lengthOf(strata?._tag === "table" ? strata.rows : [], 20);
    }).pipe(withTables),
  );

  it.effect("keeps equal rows together, drops them, or takes them apart", () =>
    Effect.gen(function* () {
      // 40 rows, each four times under keys of its own.
      const rows = Array.from({ length: 160 }, (_, i) =>
        rowAt(i, { who: "p", x: i % 40, ill: i % 2 === 0 }),
      );
      const data = yield* tableOf(Scan, "checked", rows);
      const contentsOf = Effect.fnUntraced(function* (parts: Parts) {
        const found = yield* rolesOf(parts);
        const byX = new Map<number, Set<string>>();
        for (const { id, x } of rows) {
          const role = found.get(id);
          if (role !== undefined) byX.set(x, (byX.get(x) ?? new Set()).add(role));
        }
        return { ids: found.size, torn: [...byX.values()].filter(({ size }) => size > 1).length };
      });
      const run = (duplicates?: Split.Duplicates, stratify?: "ill") =>
        Effect.gen(function* () {
          const split = Split.random(Scan, {
            ...shares,
            ...(duplicates === undefined ? {} : { duplicates }),
            ...(stratify === undefined ? {} : { stratify }),
          });
          const { value, exhibits } = yield* told(split.run({ data }));
          return { ...(yield* contentsOf(value)), caption: exhibits[0]?.caption };
        });
      for (const stratify of [undefined, "ill"] as const) {
        const together = yield* run(undefined, stratify);
        assert.deepStrictEqual(together, {
          ids: 160,
          torn: 0,
          caption: "120 rows are equal to another and are in its part",
        });
        assert.deepStrictEqual(yield* run("drop", stratify), {
          ids: 40,
          torn: 0,
          caption: "120 rows are equal to another and are left out",
        });
        const apart = yield* run("apart", stratify);
        assert.strictEqual(apart.ids, 160);
        assert.isAbove(apart.torn, 10);
      }
      const anonymous = yield* tableOf(
        Anonymous,
        "checked",
        rows.map((row) => ({ ...row, id: "" })),
      );
      const { value, exhibits } = yield* told(
        Split.random(Anonymous, shares).run({ data: anonymous }),
      );
      assert.strictEqual(
        roles.reduce((sum, role) => sum + value[role].rows, 0),
        160,
      );
      assert.isTrue(roles.every((role) => value[role].rows % 4 === 0));
      assert.include(exhibits[0]?.caption, "120 rows are equal");
    }).pipe(withTables),
  );

  it.effect("fails with the rows if a key is in two parts, and says what to do", () =>
    Effect.gen(function* () {
      const rows = [...rowsTo(50), ...rowsTo(50).map((row) => ({ ...row, x: 51 }))];
      // Rows 51 to 99 differ in their key only, so that they belong together, and to rows of all parts.
      const data = yield* tableOf(
        Scan,
        "checked",
        rows.map((row) => ({ ...row, who: "", ill: null })),
      );
      const error = yield* Effect.flip(Split.random(Scan, shares).run({ data }));
      if (error._tag !== "OverlapError") assert.fail(error.message);
      assert.deepStrictEqual([error.of, error.columns], ["key", ["id"]]);
      assert.lengthOf(error.examples, 5);
      assert.match(
        error.message,
        /^the parts of the split overlap: \d+ keys \(by id\) are in two parts, such as row \d+ of \w+ and row \d+ of \w+; .*\. Keys identify rows/,
      );
    }).pipe(withTables),
  );

  it.effect("names a part without rows", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(Scan, "checked", rowsTo(1));
      const error = yield* Effect.flip(Split.random(Scan, shares).run({ data }));
      assert.match(
        error.message,
        /^the train part of the split has no rows: no row fell into its share of 55 %\. Shares are exact with `stratify`|^the validation part/,
      );
      const none = yield* tableOf(Scan, "checked", []);
      const all = yield* Effect.flip(
        Split.random(Scan, { ...shares, stratify: "ill" }).run({ data: none }),
      );
      assert.match(
        all.message,
        /^the train part of the split has no rows: .* Ask for a larger share/,
      );
    }).pipe(withTables),
  );

  it("refuses shares, seeds and columns that are none, where they are written", () => {
    const wrong = (change: object) => () => Split.random(Scan, { ...shares, ...change });
    assert.throws(wrong({ test: 0 }), "give shares above 0 that together are below 1");
    assert.throws(wrong({ test: 0.8 }), "validation 0.2 and test 0.8 leave nothing");
    assert.throws(wrong({ test: Number.NaN }), "split at random");
    assert.throws(wrong({ validation: -0.1 }), "split at random");
    assert.throws(wrong({ seed: 0.5 }), "the seed 0.5 is not a whole number");
    assert.throws(wrong({ stratify: "height" }), 'the contract "scan" has no column "height"');
    assert.throws(
      () => Split.random(Anonymous, { ...shares, duplicates: "apart" }),
      'rows of "anonymous" have no key',
    );
    const cast: typeof Scan = Object.assign(Object.create(Scan), {
      spec: { ...Scan.spec, eventTime: "x" },
    });
    assert.throws(() => Split.random(cast, shares), 'the contract "scan" has an event time');
  });

  it.effect("records why it is at random", () =>
    Effect.gen(function* () {
      const Dated = Contract.make("dated", {
        ...about,
        columns: { ...about.columns, at: Column.timestamp() },
        eventTime: "at",
        group: "who",
      });
      const reasons = {
        ignoreEventTime: "the date is that of the upload",
        ignoreGroup: "patients are known to us",
      };
      const split = Split.random(Dated, { ...shares, ...reasons });
      const rows = rowsTo(60).map((row) => ({ ...row, at: new Date(0) }));
      const { value, findings, exhibits } = yield* told(
        split.run({ data: yield* tableOf(Dated, "checked", rows) }),
      );
      assert.include(exhibits[0]?.caption, "at random, because: the date is that of the upload");
      assert.deepStrictEqual(
        findings.map(({ check, severity, column }) => [check, severity, column]),
        [
          ["split.event-time-ignored", "warn", "at"],
          ["split.group-ignored", "warn", "who"],
        ],
      );
      assert.include(findings[1]?.found, "patients are known to us");
      const other = Split.random(Dated, { ...shares, ...reasons, ignoreGroup: "no reason" });
      const { train } = yield* other.run({ data: yield* tableOf(Dated, "checked", rows) });
      assert.notStrictEqual(train.split, value.train.split);
      assert.throws(
        () => Split.random(Dated, { ...shares, ...reasons, ignoreGroup: " " }),
        "ignoreGroup says no reason",
      );
    }).pipe(withTables),
  );

  it.live("makes the same bytes on any number of threads", () =>
    Effect.gen(function* () {
      const query = `SELECT 'r' || i AS id, 'p' || (i % 1000) AS who, (i % 5000)::DOUBLE AS x, i % 3 = 0 AS ill
        FROM range(130000) t(i) ORDER BY i`;
      const digests = (threads: number) =>
        Effect.gen(function* () {
          const data = yield* Table.write(Scan, "checked", { query });
          const parts = yield* Split.random(Scan, { ...shares, stratify: "ill" }).run({ data });
          return roles.map((role) => Table.digestOf(parts[role])).join();
        }).pipe(
          Effect.provide(
            Layer.mergeAll(Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary),
          ),
        );
      assert.strictEqual(yield* digests(1), yield* digests(3));
    }),
  );
});

describe("Split.byGroup", () => {
  const groups = Array.from({ length: 90 }, (_, g) => `p${g}`);
  const rowsOf = (seed: number) =>
    groups.flatMap((who, g) =>
      Array.from({ length: ((g * 7 + seed) % 5) + 1 }, (_, i) =>
        rowAt(0, { id: `${who}/${i}`, who, x: i, ill: g % 3 === 0 }),
      ),
    );
  const groupsOf = Effect.fnUntraced(function* (parts: Parts) {
    const found = yield* rolesOf(parts);
    const byGroup = new Map<string, string>();
    for (const [id, role] of found) {
      const who = id.split("/")[0] ?? "";
      assert.isTrue((byGroup.get(who) ?? role) === role, `${who} is in two parts`);
      byGroup.set(who, role);
    }
    return byGroup;
  });

  it.effect("keeps groups whole, and each where it is as rows and groups are added", () =>
    Effect.gen(function* () {
      const split = Split.byGroup(PatientScan, shares);
      const rows = rowsOf(1);
      const before = yield* groupsOf(
        yield* split.run({ data: yield* tableOf(PatientScan, "checked", rows) }),
      );
      assert.strictEqual(before.size, 90);
      const more = [
        ...rowsTo(300).map((row, i) => ({ ...row, id: `new${i % 30}/${i}`, who: `new${i % 30}` })),
        ...rowsOf(2).map((row) => ({ ...row, id: `${row.id}x` })),
        ...rows.toReversed(),
      ];
      const after = yield* groupsOf(
        yield* split.run({ data: yield* tableOf(PatientScan, "checked", more) }),
      );
      assert.strictEqual(after.size, 120);
      for (const [who, role] of before) assert.strictEqual(after.get(who), role);
    }).pipe(withTables),
  );

  it.effect("shares out the rows of each stratum to less than one group", () =>
    Effect.gen(function* () {
      for (const seed of [0, 1, 2]) {
        const rows = rowsOf(seed);
        const split = Split.byGroup(PatientScan, { ...shares, seed, stratify: "ill" });
        const found = yield* groupsOf(
          yield* split.run({ data: yield* tableOf(PatientScan, "checked", rows) }),
        );
        for (const ill of [true, false]) {
          const these = rows.filter((row) => row.ill === ill);
          const test = these.filter(({ who }) => found.get(who ?? "") === "test");
          // No group here has more than five rows.
          assert.isBelow(Math.abs(test.length - shares.test * these.length), 5);
        }
      }
    }).pipe(withTables),
  );

  it.effect("leaves out rows without a group, and says so", () =>
    Effect.gen(function* () {
      const rows = [...rowsOf(1), rowAt(1, { who: null }), rowAt(2, { who: null })];
      const { findings, exhibits } = yield* told(
        Split.byGroup(PatientScan, shares).run({
          data: yield* tableOf(PatientScan, "checked", rows),
        }),
      );
      assert.deepStrictEqual(
        findings.map(({ check, rows, severity, found }) => [check, rows, severity, found]),
        [["split.group-known", 2, "warn", "2 rows without one, left out"]],
      );
      const [exhibit] = exhibits;
      assert.strictEqual(exhibit?.caption, "2 rows have no who and are left out");
      if (exhibit?._tag !== "table") assert.fail();
      assert.deepStrictEqual(exhibit.columns, ["role", "rows", "share", "groups"]);
      const total = exhibit.rows.reduce((sum, row) => sum + Number(row[3]), 0);
      assert.strictEqual(total, 90);
    }).pipe(withTables),
  );

  it.effect("names a part that no group fell into", () =>
    Effect.gen(function* () {
      const rows = rowsTo(100).map((row) => ({ ...row, who: "p" }));
      const data = yield* tableOf(PatientScan, "checked", rows);
      const error = yield* Effect.flip(Split.byGroup(PatientScan, shares).run({ data }));
      assert.match(error.message, /has no rows: no group fell into its share of/);
      const even = Split.byGroup(PatientScan, { ...shares, stratify: "ill" });
      assert.match((yield* Effect.flip(even.run({ data }))).message, /or ingest more groups\.$/);
    }).pipe(withTables),
  );
});
