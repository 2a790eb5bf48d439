import { assert, describe, it } from "@effect/vitest";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Fixture from "../../test-fixtures/contracts.ts";
import * as Column from "../Column.ts";
import * as Contract from "../Contract.ts";

const base: Contract.ContractSpec = {
  name: "flight",
  version: "1.0.0",
  owner: "ops",
  consumers: [],
  columns: {
    at: Column.timestamp().spec,
    delay: Column.int({ availableAt: "outcome" }).spec,
    origin: Column.string({ nullable: true }).spec,
  },
};
const check = { kind: "mean", columns: ["delay"], args: {}, severity: "fail" } as const;
const column = (changed: Partial<Column.ColumnSpec>): Contract.ContractSpec => ({
  ...base,
  columns: { ...base.columns, x: { ...Column.string().spec, ...changed } },
});

describe("problemsOf", () => {
  const cases: ReadonlyArray<readonly [Contract.ContractSpec, RegExp]> = [
    [{ ...base, name: " " }, /no name/],
    [{ ...base, owner: "" }, /no owner/],
    [{ ...base, version: "" }, /no version/],
    [{ ...base, columns: {} }, /no columns/],
    [{ ...base, consumers: ["a", "a"] }, /consumer "a" twice/],
    [{ ...base, columns: { a: Column.int().spec, A: Column.int().spec } }, /"a" and "A" differ/],
    [{ ...base, columns: { ["__proto__"]: Column.int().spec } }, /cannot be called "__proto__"/],
    [{ ...base, eventTime: "toString" }, /event time is a column "toString" that it does not have/],
    [{ ...base, eventTime: "delay" }, /event time "delay" is a column of int/],
    [{ ...base, knownAt: "origin" }, /known-at time "origin" is a column of string/],
    [{ ...base, eventTime: "at", knownAt: "at" }, /both event time and known-at/],
    [{ ...base, label: "origin" }, /label "origin" is marked as known at the decision/],
    [{ ...base, label: "gate" }, /label is a column "gate"/],
    [{ ...base, group: "gate" }, /group is a column "gate"/],
    [{ ...base, group: "delay", label: "delay" }, /both group and label/],
    [{ ...base, key: [] }, /key is empty/],
    [{ ...base, key: ["at", "at"] }, /key names "at" twice/],
    [{ ...base, key: ["gate"] }, /key is a column "gate"/],
    [{ ...base, key: ["origin"] }, /"origin", which may be null/],
    [{ ...base, minRows: 2, maxRows: 1 }, /at least 2 and at most 1 rows/],
    [{ ...base, minRows: -1 }, /-1 rows/],
    [{ ...base, freshnessMs: -1 }, /negative duration/],
    [
      { ...base, expectations: [{ ...check, name: "m", columns: ["gate"] }] },
      /reads a column "gate"/,
    ],
    [{ ...base, expectations: [check, check].map((one) => ({ ...one, name: "m" })) }, /called "m"/],
    [column({ unit: "min" }), /a unit is for a column of numbers, and this is string/],
    [column({ zone: "UTC" }), /a time zone is for/],
    [column({ type: "int", values: ["a"] }), /a set of values is for a column of text/],
    [column({ type: "int", min: 2, max: 1 }), /at least 2 and at most 1/],
    [column({ type: "int", min: 0.2, max: 0.8 }), /no whole number/],
    [column({ type: "timestamp", zone: "Mars/Olympus" }), /"Mars\/Olympus" is no time zone/],
    [column({ values: [] }), /set of values is empty/],
    [column({ values: ["a", "a"] }), /"a" is listed twice/],
    [column({ values: ["a"], pattern: "b" }), /"a" does not match its pattern b/],
    [column({ pattern: "[" }), /\[ is no regular expression/],
    [column({ pattern: "a(?=b)" }), /looks ahead/],
    [column({ pattern: "(a)\\1" }), /refers back/],
    [column({ renamedFrom: "at" }), /renamed from "at", which is still there/],
  ];
  for (const [spec, expected] of cases) {
    it(expected.source, () => {
      const problems = Contract.problemsOf(spec);
      assert.lengthOf(problems, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", expected);
      assert.throws(() => Contract.fromSpec(spec), Contract.ContractInvalid, expected);
      const decoded = Contract.decode(spec);
      assert.isTrue(Result.isFailure(decoded));
    });
  }

  it("finds nothing in a good one, and everything in a bad one", () => {
    const key = ["at", "delay"];
    assert.deepStrictEqual(
      Contract.problemsOf({ ...base, eventTime: "at", label: "delay", group: "origin", key }),
      [],
    );
    const bad = { ...base, owner: "", key: ["gate"], minRows: -1 };
    assert.throws(() => Contract.fromSpec(bad), /no owner[^]*"gate"[^]*-1 rows/);
  });

  it("escaped characters are no lookahead", () => {
    assert.deepStrictEqual(Contract.problemsOf(column({ pattern: "\\(?=x\\\\1" })), []);
  });
});

describe("decode", () => {
  it("reports every problem of JSON from outside, also unknown fields", () => {
    const decoded = Contract.decode({ ...base, owner: 7, minRow: 1, columns: { a: {} } });
    assert.isTrue(Result.isFailure(decoded));
    if (Result.isSuccess(decoded)) return;
    assert.strictEqual(decoded.failure.contract, "flight");
    assert.match(decoded.failure.message, /\["owner"\]/);
    assert.match(decoded.failure.message, /\["minRow"\]/);
    assert.match(decoded.failure.message, /\["columns"\]\["a"\]\["type"\]/);
  });

  it("never throws, whatever it is given", () => {
    fc.assert(
      fc.property(fc.anything(), (json) => assert.isTrue(Result.isFailure(Contract.decode(json)))),
      { numRuns: 200 },
    );
  });
});

describe("a random contract", () => {
  it("comes back from JSON under the same digest", () => {
    fc.assert(
      fc.property(Fixture.specs, (spec) => {
        const decoded = Contract.decode(JSON.parse(JSON.stringify(spec)));
        assert.isTrue(Result.isSuccess(decoded));
        if (Result.isSuccess(decoded)) {
          assert.strictEqual(decoded.success.digest, Contract.fromSpec(spec).digest);
          assert.deepStrictEqual(decoded.success.spec, spec);
        }
      }),
    );
  });

  it("as JSON Schema accepts exactly the rows that it decodes", () => {
    const ajv = new Ajv2020({ validateFormats: false, allowUnionTypes: true, strict: true });
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(
        Fixture.specs.chain((spec) =>
          fc.tuple(
            fc.constant(spec),
            fc.array(Fixture.rowsOf(spec.columns), { minLength: 1, maxLength: 3 }),
            fc.array(Fixture.mutantsOf(spec.columns), { minLength: 1, maxLength: 8 }),
          ),
        ),
        ([spec, rows, mutants]) => {
          const validate = ajv.compile(Contract.toJsonSchema(spec));
          const decode = Schema.decodeUnknownResult(Contract.rowSchema(Contract.fromSpec(spec)));
          for (const row of rows) assert.isTrue(validate(row), JSON.stringify(row));
          for (const row of [...rows, ...mutants]) {
            const isRow = Result.isSuccess(decode(row));
            assert.strictEqual(validate(row), isRow, JSON.stringify(row));
            if (isRow) accepted++;
            else refused++;
          }
        },
      ),
      { numRuns: 150 },
    );
    assert.isAbove(accepted, 100);
    assert.isAbove(refused, 100);
  });

  it("as a page has every column and expectation on a line of its own", () => {
    fc.assert(
      fc.property(Fixture.specs, (spec) => {
        const rows = Contract.toMarkdown(spec)
          .split("\n")
          .filter((line) => line.startsWith("| "));
        const { columns, expectations = [] } = spec;
        const facts = rows.findIndex((line) => line.startsWith("| column |")) - 2;
        const tables = expectations.length === 0 ? 2 : 3;
        const all = facts + Object.keys(columns).length + expectations.length + 2 * tables;
        assert.strictEqual(rows.length, all);
      }),
    );
  });
});

it("toMarkdown says what is promised", () => {
  const page = Contract.toMarkdown({
    ...base,
    description: "one row per *flight*",
    eventTime: "at",
    key: ["at"],
    freshnessMs: 172_800_000,
    minRows: 10,
    columns: { at: Column.timestamp({ zone: "Asia/Kolkata", classification: "internal" }).spec },
    expectations: [
      { ...check, name: "m", columns: ["at"], args: { atMost: 5 }, mostly: 0.95, where: "a | b" },
    ],
  });
  assert.strictEqual(
    page,
    `# flight 1.0.0

one row per \\*flight\\*

|  |  |
| --- | --- |
| owner | ops |
| consumers | none named |
| a row is one | \`at\` |
| event time | \`at\` |
| freshness | newest event at most 2d old |
| rows | at least 10 |

## Columns

| column | type | unit | known at | null | limits | classification | meaning |
| --- | --- | --- | --- | --- | --- | --- | --- |
| \`at\` | timestamp (read in Asia/Kolkata) |  | decision | never |  | internal |  |

## Expectations

| expectation | what must hold | if not | answers |
| --- | --- | --- | --- |
| \`m\` | mean of at (at most 5), for 95 % of the rows at least, where a \\| b | fail | ops |
`,
  );
});
