import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Fixture from "../../test-fixtures/contracts.ts";
import type { CheckSpec } from "../Check.ts";
import * as Column from "../Column.ts";
import * as Contract from "../Contract.ts";

const base: Contract.ContractSpec = {
  name: "flight",
  version: "1.2.3",
  owner: "ops",
  consumers: ["care", "prices"],
  columns: {
    at: Column.timestamp().spec,
    delay: Column.int({ unit: "min", min: -60, max: 600, availableAt: "outcome" }).spec,
    cabin: Column.string({ values: ["economy", "business"] }).spec,
    origin: Column.string({ pattern: "[A-Z]{3}", classification: "internal" }).spec,
    note: Column.string({ nullable: true }).spec,
  },
  eventTime: "at",
  label: "delay",
  group: "origin",
  key: ["at", "origin"],
  expectations: [
    {
      kind: "mean",
      name: "m",
      columns: ["delay"],
      args: { atLeast: 0, atMost: 20 },
      severity: "fail",
    },
    { kind: "mean", name: "w", columns: ["delay"], args: { atMost: 15 }, severity: "warn" },
  ],
  freshnessMs: 1000,
  minRows: 10,
  maxRows: 100,
};

const withColumn = (name: string, changed: Partial<Column.ColumnSpec>): Contract.ContractSpec => {
  const column = base.columns[name];
  assert.isDefined(column);
  return { ...base, columns: { ...base.columns, [name]: { ...column, ...changed } } };
};
const without = <K extends keyof Contract.ContractSpec>(field: K) => {
  const { [field]: _, ...rest } = base;
  return rest as Contract.ContractSpec;
};
const withExpectation = (changed: Partial<CheckSpec>): Contract.ContractSpec => ({
  ...base,
  expectations:
    base.expectations?.map((one) => (one.name === "m" ? { ...one, ...changed } : one)) ?? [],
});
const { note: _, ...withoutNote } = base.columns;
const renamed = (to: string, changed: Partial<Column.ColumnSpec> = {}): Contract.ContractSpec => {
  const { delay, ...columns } = base.columns;
  assert.isDefined(delay);
  return {
    ...base,
    columns: { ...columns, [to]: { ...delay, ...changed } },
    label: to,
    expectations: base.expectations?.map((one) => ({ ...one, columns: [to] })) ?? [],
  };
};

/** kind, whom it breaks: c(onsumers), p(roducers), both or nobody, and the contract after. */
type Case = readonly [
  kind: Contract.ChangeKind,
  breaks: "" | "c" | "p" | "cp",
  what: string,
  after: Contract.ContractSpec,
];
const cases: ReadonlyArray<Case> = [
  [
    "column-added",
    "p",
    "a column more",
    { ...base, columns: { ...base.columns, gate: Column.string({ nullable: true }).spec } },
  ],
  ["column-removed", "c", "a column less", { ...base, columns: withoutNote }],
  ["column-renamed", "cp", "a similar name", renamed("delay_min")],
  [
    "column-renamed",
    "cp",
    "a name that it says itself",
    renamed("lateness", { renamedFrom: "delay" }),
  ],
  ["type", "c", "int to float", withColumn("delay", { type: "float" })],
  ["type", "cp", "timestamp to text", withColumn("at", { type: "string" })],
  ["nullability", "c", "null allowed", withColumn("delay", { nullable: true })],
  ["nullability", "p", "null no longer allowed", withColumn("note", { nullable: false })],
  ["range", "c", "a lower minimum", withColumn("delay", { min: -90 })],
  ["range", "p", "a higher minimum", withColumn("delay", { min: 0 })],
  ["range", "c", "a higher maximum", withColumn("delay", { max: 900 })],
  ["range", "p", "a lower maximum", withColumn("delay", { max: 90 })],
  [
    "values",
    "c",
    "an unseen category",
    withColumn("cabin", { values: ["economy", "first", "business"] }),
  ],
  ["values", "p", "a category less", withColumn("cabin", { values: ["economy"] })],
  ["values", "cp", "another category", withColumn("cabin", { values: ["economy", "first"] })],
  ["values", "", "another order", withColumn("cabin", { values: ["business", "economy"] })],
  ["pattern", "cp", "another pattern", withColumn("origin", { pattern: "[A-Z]{4}" })],
  ["pattern", "p", "a pattern", withColumn("note", { pattern: "a+" })],
  ["unit", "cp", "another unit", withColumn("delay", { unit: "s" })],
  ["zone", "cp", "another zone", withColumn("at", { zone: "America/New_York" })],
  ["zone", "", "the same zone, said", withColumn("at", { zone: "UTC" })],
  ["availability", "p", "known earlier", withColumn("delay", { availableAt: "decision" })],
  ["availability", "c", "known later", withColumn("origin", { availableAt: "outcome" })],
  ["classification", "c", "raised", withColumn("origin", { classification: "personal" })],
  ["classification", "p", "lowered", withColumn("origin", { classification: "public" })],
  [
    "classification",
    "c",
    "personal, first said",
    withColumn("note", { classification: "personal" }),
  ],
  ["classification", "", "public, first said", withColumn("note", { classification: "public" })],
  ["description", "", "a description", withColumn("note", { description: "said aloud" })],
  ["description", "", "of the contract", { ...base, description: "flights" }],
  ["owner", "p", "another owner", { ...base, owner: "data" }],
  ["consumers", "c", "a consumer less", { ...base, consumers: ["care"] }],
  ["consumers", "", "a consumer more", { ...base, consumers: ["care", "prices", "crew"] }],
  ["contract-renamed", "cp", "another name", { ...base, name: "flights" }],
  ["key", "p", "rows differ in less", { ...base, key: ["at"] }],
  ["key", "c", "rows differ in more", { ...base, key: ["at", "origin", "cabin"] }],
  ["key", "cp", "rows differ in something else", { ...base, key: ["cabin"] }],
  ["key", "", "in another order", { ...base, key: ["origin", "at"] }],
  ["key", "c", "no key", without("key")],
  ["event-time", "c", "no event time", without("eventTime")],
  ["known-at", "cp", "a known-at time", { ...base, knownAt: "at" }],
  ["label", "c", "another label", { ...base, label: "note" }],
  ["group", "c", "another group", { ...base, group: "cabin" }],
  ["freshness", "c", "older", { ...base, freshnessMs: 2000 }],
  ["freshness", "c", "any age", without("freshnessMs")],
  ["freshness", "p", "fresher", { ...base, freshnessMs: 500 }],
  ["volume", "c", "fewer rows", { ...base, minRows: 1 }],
  ["volume", "p", "more rows", { ...base, minRows: 20 }],
  ["volume", "c", "no end of rows", without("maxRows")],
  ["volume", "p", "an earlier end", { ...base, maxRows: 50 }],
  [
    "expectation-removed",
    "c",
    "a promise less",
    { ...base, expectations: base.expectations?.slice(1) ?? [] },
  ],
  [
    "expectation-removed",
    "",
    "a warning less",
    { ...base, expectations: base.expectations?.slice(0, 1) ?? [] },
  ],
  [
    "expectation-added",
    "p",
    "a promise more",
    {
      ...base,
      expectations: [
        ...(base.expectations ?? []),
        { kind: "x", name: "x", columns: [], args: {}, severity: "fail" },
      ],
    },
  ],
  ["expectation-changed", "c", "loosened", withExpectation({ args: { atLeast: 0, atMost: 30 } })],
  ["expectation-changed", "p", "tightened", withExpectation({ args: { atLeast: 5, atMost: 20 } })],
  [
    "expectation-changed",
    "cp",
    "loosened and tightened",
    withExpectation({ args: { atLeast: 5, atMost: 30 } }),
  ],
  ["expectation-changed", "c", "for fewer rows", withExpectation({ mostly: 0.9 })],
  ["expectation-changed", "c", "only warns", withExpectation({ severity: "warn" })],
  ["expectation-changed", "cp", "of other rows", withExpectation({ where: "true" })],
  ["expectation-changed", "", "in other words", withExpectation({ description: "as last year" })],
  ["expectation-changed", "", "under another name", withExpectation({ name: "mean" })],
];

describe("diff", () => {
  for (const [kind, breaks, what, after] of cases) {
    it(`${kind}: ${what}`, () => {
      const changes = Contract.diff(base, after);
      assert.lengthOf(changes, 1, JSON.stringify(changes));
      const [change] = changes;
      assert.strictEqual(change?.kind, kind);
      assert.strictEqual(change?.breaks.map((side) => side[0]).join(""), breaks, change?.why);
      const consumers = kind === "consumers" ? ["prices"] : ["care", "prices"];
      const owners = kind === "owner" ? ["ops", "data"] : ["ops"];
      const agree = [
        ...(breaks.includes("c") ? consumers : []),
        ...(breaks.includes("p") ? owners : []),
      ];
      assert.deepStrictEqual(change?.mustAgree, agree);
    });
  }

  it("asks the owner where no consumer is named", () => {
    const alone = { ...base, consumers: [] };
    const [change] = Contract.diff(alone, { ...alone, minRows: 1 });
    assert.deepStrictEqual(change?.mustAgree, ["ops"]);
  });

  it("follows a renamed column through all that mentions it", () => {
    const after = {
      ...renamed("lateness", { renamedFrom: "delay", max: 900 }),
      group: "delay_code",
    };
    assert.deepStrictEqual(
      Contract.diff(base, after).map(({ kind, column }) => [kind, column]),
      [
        ["group", undefined],
        ["column-renamed", "lateness"],
        ["range", "lateness"],
      ],
    );
  });

  it("takes no unlike name for a rename", () => {
    const kinds = Contract.diff(base, renamed("xyz")).map(({ kind }) => kind);
    assert.includeMembers(kinds, ["column-removed", "column-added", "label"]);
    assert.notInclude(kinds, "column-renamed");
  });
});

/** Contracts of which the second differs from the first in one field. */
const pairs = fc.tuple(Fixture.specs, Fixture.specs).chain(([before, other]) => {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(other)])];
  const top = fields.map((field): unknown => ({
    ...before,
    [field]: other[field as keyof Contract.ContractSpec],
  }));
  const donors = Object.values(other.columns);
  const columns = Object.entries(before.columns).flatMap(([name, column]) =>
    donors.flatMap((donor) =>
      Object.keys({ ...column, ...donor }).map((field): unknown => ({
        ...before,
        columns: {
          ...before.columns,
          [name]: { ...column, [field]: donor[field as keyof Column.ColumnSpec] },
        },
      })),
    ),
  );
  const json = (value: unknown): Contract.ContractSpec => JSON.parse(JSON.stringify(value));
  return fc.constantFrom(...top, ...columns).map((after) => [before, json(after)] as const);
});

describe("an expectation is loosened or tightened by what its parameters mean", () => {
  const at = (kind: string, args: CheckSpec["args"]): Contract.ContractSpec =>
    withExpectation({ kind, args });
  const cases: ReadonlyArray<
    readonly [string, Contract.ContractSpec, Contract.ContractSpec, string]
  > = [
    ["a limit less", at("mean", { atLeast: 1, atMost: 2 }), at("mean", { atMost: 2 }), "c"],
    [
      "a later instant",
      at("max", { atLeast: "2001-01-01T00:00:00.000Z" }),
      at("max", { atLeast: "2002-01-01T00:00:00.000Z" }),
      "p",
    ],
    ["a value more allowed", at("in-set", { values: [1] }), at("in-set", { values: [1, 2] }), "c"],
    [
      "a value more forbidden",
      at("not-in-set", { values: [1] }),
      at("not-in-set", { values: [1, 2] }),
      "p",
    ],
    ["in another order", at("in-set", { values: [1, 2] }), at("in-set", { values: [2, 1] }), ""],
    [
      "a parameter that is no limit",
      at("quantile", { q: 0.5, atMost: 1 }),
      at("quantile", { q: 0.9, atMost: 1 }),
      "cp",
    ],
  ];
  for (const [name, before, after, breaks] of cases) {
    it(name, () => {
      const [change] = Contract.diff(before, after);
      assert.strictEqual(change?.breaks.map((side) => side[0]).join(""), breaks);
    });
  }
});

describe("of random contracts", () => {
  it("nothing differs from itself", () => {
    fc.assert(
      fc.property(Fixture.specs, (spec) =>
        assert.deepStrictEqual(Contract.diff(spec, structuredClone(spec)), []),
      ),
    );
  });

  it("every difference is told, with a reason, and the breaking ones name who must agree", () => {
    let told = 0;
    fc.assert(
      fc.property(fc.oneof(pairs, fc.tuple(Fixture.specs, Fixture.specs)), ([before, after]) => {
        const changes = Contract.diff(before, after);
        const same = Contract.decode(before);
        const differs =
          Result.isSuccess(same) &&
          JSON.stringify(sorted(before)) !== JSON.stringify(sorted(after));
        assert.strictEqual(changes.length > 0, differs);
        for (const change of changes) {
          told++;
          assert.isTrue(Schema.is(Contract.Change)(change));
          assert.notStrictEqual(change.why.trim(), "");
          assert.strictEqual(change.mustAgree.length > 0, change.breaks.length > 0);
        }
      }),
      { numRuns: 150 },
    );
    assert.isAbove(told, 100);
  });

  /** Rows of one contract that the other one's schema takes, with the columns that it knows. */
  const takes = (by: Contract.ContractSpec, row: { readonly [name: string]: unknown }): boolean => {
    const columns = Object.fromEntries(
      Object.entries(by.columns).map(([name, column]) => [name, Column.fromSpec(column)]),
    );
    const known = Object.fromEntries(
      Object.entries(row).filter(([name]) => Object.hasOwn(by.columns, name)),
    );
    return Result.isSuccess(Schema.decodeUnknownResult(Contract.rowSchemaOf(columns))(known));
  };
  const breaksSide = (changes: ReadonlyArray<Contract.Change>, side: Contract.Side): boolean =>
    changes.some(({ breaks }) => breaks.includes(side));

  it("what breaks no consumer sends only rows that they expect; likewise of producers", () => {
    let judged = 0;
    const valid = pairs.filter(([, after]) => Contract.problemsOf(after).length === 0);
    fc.assert(
      fc.property(
        valid.chain(([before, after]) =>
          fc.tuple(
            fc.constant([before, after] as const),
            fc.array(Fixture.rowsOf(after.columns), { minLength: 3, maxLength: 6 }),
            fc.array(Fixture.rowsOf(before.columns), { minLength: 3, maxLength: 6 }),
          ),
        ),
        ([[before, after], sentNow, sentBefore]) => {
          const changes = Contract.diff(before, after);
          if (!breaksSide(changes, "consumers")) {
            judged++;
            for (const row of sentNow) assert.isTrue(takes(before, row), JSON.stringify(changes));
          }
          if (!breaksSide(changes, "producers")) {
            judged++;
            for (const row of sentBefore) assert.isTrue(takes(after, row), JSON.stringify(changes));
          }
        },
      ),
      { numRuns: 100 },
    );
    assert.isAbove(judged, 50);
  });

  it("what breaks one side has a row that shows it", () => {
    const row = {
      at: "2001-06-01T10:15:00Z",
      delay: 5,
      cabin: "economy",
      origin: "JFK",
      note: "a",
    };
    const witnesses: ReadonlyArray<readonly [Contract.Side, Contract.ContractSpec, object]> = [
      ["consumers", withColumn("delay", { type: "float" }), { delay: 0.5 }],
      ["consumers", withColumn("delay", { nullable: true }), { delay: null }],
      ["consumers", withColumn("delay", { max: 900 }), { delay: 900 }],
      [
        "consumers",
        withColumn("cabin", { values: ["economy", "business", "first"] }),
        { cabin: "first" },
      ],
      ["producers", withColumn("note", { nullable: false }), { note: null }],
      ["producers", withColumn("delay", { min: 0 }), { delay: -1 }],
      ["producers", withColumn("cabin", { values: ["economy"] }), { cabin: "business" }],
      ["producers", withColumn("note", { pattern: "a+" }), { note: "b" }],
    ];
    for (const [side, after, changed] of witnesses) {
      const shown = { ...row, ...changed };
      const [from, to] = side === "consumers" ? [after, base] : [base, after];
      assert.isTrue(breaksSide(Contract.diff(base, after), side));
      assert.isTrue(takes(from, shown) && !takes(to, shown), JSON.stringify(changed));
    }
  });
});

/** With the keys of objects in order: what makes a difference. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
};

describe("versionProblem", () => {
  const loosened = { ...base, minRows: 1 };
  const added = { ...base, consumers: [...base.consumers, "crew"] };
  const said = { ...base, description: "flights" };
  const at = (spec: Contract.ContractSpec, version: string) => ({ ...spec, version });
  const cases: ReadonlyArray<
    readonly [string, Contract.ContractSpec, Contract.ContractSpec, RegExp | undefined]
  > = [
    ["a breaking change in place", base, loosened, /it breaks consumers: make the version 2\.0\.0/],
    [
      "a breaking change as a minor one",
      base,
      at(loosened, "1.3.0"),
      /2\.0\.0 or later, not 1\.3\.0/,
    ],
    ["a breaking change as a major one", base, at(loosened, "2.0.0"), undefined],
    [
      "a compatible change as a patch",
      base,
      at(added, "1.2.4"),
      /compatible way: make the version 1\.3\.0/,
    ],
    ["a compatible change", base, at(added, "1.3.0"), undefined],
    ["other words in place", base, said, /words changed: make the version 1\.2\.4/],
    ["other words", base, at(said, "1.2.4"), undefined],
    [
      "another owner is no other data",
      base,
      { ...base, owner: "data", version: "1.3.0" },
      undefined,
    ],
    ["backwards", base, at(base, "1.2.2"), /1\.2\.2 comes before 1\.2\.3/],
    ["nothing", base, base, undefined],
    ["not a version", base, at(said, "next"), /"next" is no version/],
    ["short ones", at(base, "1"), at(loosened, "2"), undefined],
    ["before 1.0.0, breaking", at(base, "0.3.1"), at(loosened, "0.4.0"), undefined],
    ["before 1.0.0, breaking as a patch", at(base, "0.3.1"), at(loosened, "0.3.2"), /0\.4\.0/],
    ["before 1.0.0, compatible", at(base, "0.3.1"), at(added, "0.3.2"), undefined],
  ];
  for (const [name, before, after, expected] of cases) {
    it(name, () => {
      const problem = Contract.versionProblem(before, after);
      if (expected === undefined) assert.isUndefined(problem);
      else assert.match(problem ?? "", expected);
    });
  }
});
