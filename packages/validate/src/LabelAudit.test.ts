import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import cleanlab from "../test-fixtures/near_duplicates.json" with { type: "json" };
import { services, telling } from "../test-fixtures/tables.ts";
import * as Labels from "./Labels.ts";
import { effectiveClasses } from "./internal/labels/classes.ts";

const provided = Effect.provide(services());

const Mail = Contract.make("mail", {
  version: "1",
  owner: "post",
  label: "spam",
  eventTime: "sent",
  key: ["id"],
  columns: {
    id: Column.int(),
    sent: Column.timestamp(),
    words: Column.float({ nullable: true }),
    sender: Column.string(),
    spam: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
});

/** SQL for mails i of `rows`; words is a hash of i, spam one in three by another. */
const mailsOf = (rows: number, more: { readonly [column: string]: string } = {}) => {
  const sql = {
    id: "i",
    sent: "TIMESTAMP '2001-01-01' + to_hours(CAST(i AS INTEGER))",
    words: "hash(i) / 18446744073709551615.0 * 1000",
    sender: "'s' || (i % 3)",
    spam: "hash(i * 31) % 3 = 0",
    ...more,
  };
  const columns = Object.entries(sql).map(([name, expression]) => `${expression} AS ${name}`);
  return Table.write(Mail, "checked", {
    query: `SELECT ${columns.join(", ")} FROM range(${rows}) t(i) ORDER BY i`,
  });
};

const audit = Effect.fnUntraced(function* (
  data: Table.Table<typeof Mail, "checked">,
  options: Labels.AuditOptions<typeof Mail, "checked"> = {},
) {
  const { value, told, error } = yield* telling(Labels.audit(Mail, options).run({ data }));
  const finding = (name: string) => told.findings.find(({ check }) => check === `labels.${name}`);
  return { found: value, told, finding, error };
});

describe("an audit", () => {
  it.effect("finds nothing in sound labels, and tells what it saw", () =>
    Effect.gen(function* () {
      const { found, told } = yield* audit(yield* mailsOf(3000));
      assert.deepStrictEqual(
        told.findings.map(({ check }) => check),
        [],
      );
      assert.strictEqual(found?.rows, 3000);
      assert.deepStrictEqual(found?.features, ["words", "sender"]);
      assert.deepStrictEqual(
        found?.classes.map(({ label }) => label),
        ["false", "true"],
      );
      assert.closeTo(found?.effectiveClasses ?? 0, 1.89, 0.02);
      assert.deepStrictEqual(found?.conflicts, { groups: 0, rows: 0, irreducible: 0 });
      assert.strictEqual(found?.drift.length, 5);
      assert.isNull(found?.drift[0]?.drift ?? null);
      assert.isBelow(found?.drift[1]?.drift ?? 1, 0.1);
      assert.deepStrictEqual(
        told.exhibits.map(({ title }) => title),
        ["Labels", "Label drift"],
      );
    }).pipe(provided),
  );

  it.effect("finds rows with the same features and different labels, and duplicates", () =>
    Effect.gen(function* () {
      // Rows 0 to 5 are one mail, twice spam; 10 and 11 are the same in all.
      const words =
        "CASE WHEN i < 6 THEN 7.5 WHEN i IN (10, 11) THEN 8.5 ELSE hash(i) % 100000 END";
      const sender = "CASE WHEN i < 12 THEN 'x' ELSE 's' || (i % 3) END";
      const spam = "CASE WHEN i < 2 THEN true WHEN i < 12 THEN false ELSE hash(i) % 2 = 0 END";
      const { found, finding, told } = yield* audit(yield* mailsOf(500, { words, sender, spam }));
      assert.deepStrictEqual(found?.conflicts, { groups: 1, rows: 6, irreducible: 2 });
      // Of the six, one of each label is no repetition; and one of the pair.
      assert.deepStrictEqual(found?.duplicates, { rows: 5, groups: 3 });
      const conflict = finding("conflicts");
      assert.include(conflict?.found, "any model of these features gets 2 rows wrong");
      assert.deepStrictEqual(conflict?.sample, [0]);
      assert.deepStrictEqual(finding("duplicates")?.sample, [1, 3, 11]);
      const exhibit = told.exhibits.find(({ title }) => title === "Conflicting labels");
      assert.deepStrictEqual(exhibit?._tag === "table" && exhibit.rows, [
        [0, "7.5", "x", "false × 4, true × 2"],
      ]);
    }).pipe(provided),
  );

  it.effect("finds missing labels, a rare class, drift, each on bad input only", () =>
    Effect.gen(function* () {
      const spam = "CASE WHEN i % 10 = 0 THEN NULL ELSE i % 60 = 1 END";
      const { finding, found } = yield* audit(yield* mailsOf(3000, { spam }));
      assert.strictEqual(finding("missing")?.rows, 300);
      assert.strictEqual(found?.missing, 300);
      assert.include(finding("balance")?.found, "1.85 % for true");
      const later = "if(i < 1500, hash(i) % 4 = 0, hash(i) % 4 > 0)";
      const drifting = yield* audit(yield* mailsOf(3000, { spam: later }));
      assert.include(drifting.finding("drift")?.found, "the most from 2001-03-01 on");
      assert.isUndefined(drifting.finding("balance"));
    }).pipe(provided),
  );

  it.effect("finds near-duplicates, also with different labels, and in rows that are many", () =>
    Effect.gen(function* () {
      // Evenly spaced, but for the last ten: each is a hair away from one of the first ten, and labelled
      // the other way.
      const at = "CASE WHEN i < 100 THEN i ELSE i - 100 END";
      const data = yield* mailsOf(110, {
        words: `(${at}) * 1000 + if(i < 100, 0, 0.001)`,
        sender: `'s' || ((${at}) % 3)`,
        spam: "i >= 100",
      });
      const { found, finding } = yield* audit(data);
      assert.deepInclude(found?.nearDuplicates, { compared: 110, rows: 20, conflicting: 10 });
      // 1 - 2^-0.13 of the rows, in one dimension.
      assert.closeTo(found?.nearDuplicates?.expected ?? 0, 9.4785, 0.0001);
      const told = finding("near-duplicates");
      assert.strictEqual(told?.severity, "warn");
      assert.include(told?.found, "20 rows (such as 0 and 100; 1 and 101; 2 and 102)");
      assert.include(told?.found, "10 pairs of them with different labels");
      // Of many rows, neighbourhoods are compared, and how many rows that are is told.
      const many = yield* audit(yield* mailsOf(3000), { nearDuplicates: { maxRows: 300 } });
      const compared = many.found?.nearDuplicates?.compared ?? 0;
      assert.isTrue(compared >= 150 && compared <= 600, String(compared));
      assert.include(
        many.finding("near-duplicates")?.found,
        `${compared} of 3,000 rows were compared`,
      );
      assert.strictEqual(many.finding("near-duplicates")?.severity, "info");
    }).pipe(provided),
  );

  it.effect("says what could not run", () =>
    Effect.gen(function* () {
      const text = yield* audit(yield* mailsOf(100), { features: ["sender"] });
      assert.include(
        text.finding("near-duplicates")?.found,
        "could not run: no feature is a number",
      );
      const nulls = yield* audit(yield* mailsOf(100, { words: "CAST(NULL AS DOUBLE)" }));
      assert.include(nulls.finding("near-duplicates")?.found, "every number is the same");
      const copies = yield* audit(
        yield* mailsOf(100, { words: "CASE WHEN i = 0 THEN 1.0 ELSE 2.0 END", sender: "'s'" }),
      );
      assert.include(
        copies.finding("near-duplicates")?.found,
        "more than half of the rows are exact copies",
      );
      const early = yield* audit(yield* mailsOf(100));
      assert.include(early.finding("drift")?.found, "could not run");
      const off = yield* audit(yield* mailsOf(100), { nearDuplicates: false });
      assert.isUndefined(off.finding("near-duplicates"));
    }).pipe(provided),
  );

  it.effect("takes one class for a failure, and no label at all for an error", () =>
    Effect.gen(function* () {
      const one = yield* audit(yield* mailsOf(50, { spam: "true" }));
      assert.strictEqual(one.finding("balance")?.severity, "fail");
      for (const data of [
        yield* mailsOf(0),
        yield* mailsOf(50, { spam: "CAST(NULL AS BOOLEAN)" }),
      ]) {
        const { error } = yield* audit(data);
        assert.strictEqual(error?._tag, "NoLabels");
        assert.include(error?.message, "Ask post for the outcomes");
      }
    }).pipe(provided),
  );

  it.effect("reads infinite and missing numbers", () =>
    Effect.gen(function* () {
      const words =
        "CASE WHEN i % 7 = 0 THEN 'inf'::DOUBLE WHEN i % 7 = 1 THEN 'nan'::DOUBLE WHEN i % 7 = 2 THEN NULL ELSE hash(i) % 1000 END";
      const { found } = yield* audit(yield* mailsOf(700, { words }));
      assert.isAtLeast(found?.nearDuplicates?.compared ?? 0, 400);
    }).pipe(provided),
  );

  it("needs a label and features", () => {
    const Bare = Contract.make("bare", {
      version: "1",
      owner: "x",
      columns: { a: Column.float() },
    });
    assert.throws(() => Labels.audit(Bare), /has no label/);
    assert.throws(() => Labels.audit(Bare, { label: "a" }), /no features/);
    assert.throws(
      () => Labels.audit(Mail, { nearDuplicates: { threshold: 0 } }),
      /threshold above 0/,
    );
  });
});

it.effect("numbers as labels are compared over time, too", () =>
  Effect.gen(function* () {
    const Trip = Contract.make("trip", {
      version: "1",
      owner: "fleet",
      label: "minutes",
      eventTime: "at",
      columns: {
        at: Column.timestamp(),
        km: Column.float(),
        minutes: Column.float({ availableAt: "outcome", nullable: true }),
      },
    });
    const audited = Effect.fnUntraced(function* (minutes: string, rows = 4000) {
      const data = yield* Table.write(Trip, "checked", {
        query: `SELECT TIMESTAMP '2001-01-01' + to_hours(i::INTEGER) AS at, hash(i) % 1000003 * 1.0 AS km, ${minutes} AS minutes FROM range(${rows}) t(i) ORDER BY i`,
      });
      const stage = Labels.audit(Trip, { nearDuplicates: false });
      const { value, told } = yield* telling(stage.run({ data }));
      return { value, drift: told.findings.find(({ check }) => check === "labels.drift") };
    });
    // Uniform on 0 to 10,000; from the last period on a tenth of the width higher, then three tenths.
    const uniform = "(i * 7919 % 10007)";
    const last = (shift: number) => `${uniform} + if(i >= 3624, ${shift}, 0.0)`;
    const alike = yield* audited(last(0));
    assert.isUndefined(alike.drift);
    assert.strictEqual(alike.value?.drift.length, 6);
    const little = yield* audited(last(1000.7));
    assert.closeTo(little.value?.drift[5]?.drift ?? 0, 0.1, 0.02);
    assert.isUndefined(little.drift);
    const much = yield* audited(last(3002.1));
    assert.closeTo(much.value?.drift[5]?.drift ?? 0, 0.3, 0.02);
    assert.include(much.drift?.found, "1 period of 5 beyond, the most from 2001-06-01 on");
    assert.include(much.drift?.expected, "Kolmogorov–Smirnov");
    // A few rows of a month tell nothing, nor do numbers that are none.
    const few = yield* audited(last(5000), 3624 + 60);
    assert.isNull(few.value?.drift[5]?.drift ?? null);
    const odd = yield* audited(`if(i % 3 = 0, 'inf'::DOUBLE, ${uniform})`);
    assert.isUndefined(odd.drift);
    assert.strictEqual(odd.value?.drift[0]?.rows, 496);
    // Each of 1,500 numbers is there more often than none is.
    const missing = yield* audited("if(i < 2, NULL, i % 1500 * 1.0)", 6000);
    assert.strictEqual(missing.value?.missing, 2);
  }).pipe(provided),
);

it.effect("near-duplicates are those of cleanlab's Datalab", () =>
  Effect.gen(function* () {
    const Point = Contract.make("point", {
      version: "1",
      owner: "lab",
      label: "y",
      columns: { a: Column.float(), b: Column.float(), y: Column.int({ availableAt: "outcome" }) },
    });
    const [a = [], b = []] = cleanlab.features;
    const rows = a.map((x, i) => `(${i}, ${x}::DOUBLE, ${b[i]}::DOUBLE)`);
    const data = yield* Table.write(Point, "checked", {
      query: `SELECT a, b, i % 2 AS y FROM (VALUES ${rows.join(", ")}) AS v(i, a, b) ORDER BY i`,
    });
    const { nearDuplicates } = yield* Labels.audit(Point).run({ data });
    assert.strictEqual(nearDuplicates?.rows, cleanlab.near.length);
  }).pipe(provided),
);

it("the effective number of classes is the exponential of the entropy", () => {
  // exp(scipy.stats.entropy([50, 30, 20])), SciPy 1.17.1.
  const found = effectiveClasses([50, 30, 20].map((rows, k) => ({ label: String(k), rows })));
  assert.closeTo(found, 2.800094, 1e-6);
  assert.closeTo(effectiveClasses([{ label: "a", rows: 9 }]), 1, 1e-12);
});
