import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Ajv2019 } from "ajv/dist/2019.js";
import * as formats from "ajv-formats";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Fixture from "../test-fixtures/contracts.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";
import * as Odcs from "./Odcs.ts";

const published = path.join(import.meta.dirname, "../fixtures/odcs/odcs-json-schema-v3.1.0.json");
const JsonSchema = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown));
const ajv = new Ajv2019({ strict: false, allErrors: true });
formats.default.default(ajv);
const validate = ajv.compile(
  Schema.decodeUnknownSync(JsonSchema)(fs.readFileSync(published, "utf8")),
);
const problems = (document: unknown): string => {
  validate(document);
  return ajv.errorsText(validate.errors);
};

const Flight = Contract.make("flight", {
  version: "1.2.0",
  owner: "ops",
  consumers: ["care"],
  description: "one row per flight",
  columns: {
    at: Column.timestamp({ zone: "Asia/Kolkata" }),
    delay: Column.int({
      unit: "min",
      min: -60,
      availableAt: "outcome",
      classification: "internal",
    }),
    cabin: Column.string({ values: ["economy", "business"], nullable: true }),
    origin: Column.string({ pattern: "[A-Z]{3}" }),
  },
  eventTime: "at",
  label: "delay",
  group: "origin",
  key: ["origin", "at"],
  freshness: "2 days",
  minRows: 10,
  maxRows: 10,
});

/** A document with one object, and whatever else is given. */
const document = (object: object, rest: object = {}) => ({
  kind: "DataContract",
  apiVersion: "v3.1.0",
  id: "trips",
  version: "1.0.0",
  status: "active",
  team: { name: "fleet" },
  schema: [{ name: "trips", ...object }],
  ...rest,
});

const imported = (json: unknown): Odcs.Imported => {
  const found = Odcs.fromDocument(json);
  assert.isTrue(Result.isSuccess(found), Result.isFailure(found) ? found.failure.message : "");
  const [first] = Result.getOrThrow(found);
  assert.isDefined(first);
  return first;
};

/** The column, the expectations and the notes of a property. */
const property = (fields: object) => {
  const { contract, unmapped } = imported(document({ properties: [{ name: "x", ...fields }] }));
  return {
    column: contract.spec.columns["x"],
    expectations: contract.spec.expectations ?? [],
    notes: unmapped.filter(({ at }) => at !== "schema[0].properties").map(({ at }) => at),
  };
};

describe("the schema of the standard", () => {
  it("refuses what is none of its documents", () => {
    assert.notStrictEqual(problems({ ...document({}), kind: "Contract" }), "No errors");
    assert.notStrictEqual(problems(document({ columns: [] })), "No errors");
  });

  it("takes every random contract, which comes back with its digest and nothing unmapped", () => {
    fc.assert(
      fc.property(Fixture.specs, (spec) => {
        const exported: unknown = JSON.parse(JSON.stringify(Odcs.toDocument(spec)));
        assert.strictEqual(problems(exported), "No errors");
        const { contract, unmapped } = imported(exported);
        assert.deepStrictEqual(contract.spec, spec);
        assert.strictEqual(contract.digest, Contract.fromSpec(spec).digest);
        assert.deepStrictEqual(unmapped, []);
      }),
    );
  });
});

describe("toDocument", () => {
  it("says what the standard has fields for in them", () => {
    const [object] = Object(Odcs.toDocument(Flight.spec)).schema;
    const { properties, quality } = Object(object);
    const [at, delay, cabin, origin] = properties;
    assert.deepInclude(at, { primaryKey: true, primaryKeyPosition: 2, required: true });
    assert.deepStrictEqual(at.logicalTypeOptions, {
      timezone: false,
      defaultTimezone: "Asia/Kolkata",
    });
    assert.deepStrictEqual(delay.logicalTypeOptions, { minimum: -60 });
    assert.strictEqual(delay.classification, "internal");
    assert.deepStrictEqual(delay.customProperties, [
      { property: "availableAt", value: "outcome" },
      { property: "unit", value: "min" },
    ]);
    assert.isFalse(cabin.required);
    assert.deepStrictEqual(cabin.quality[0].arguments, { validValues: ["economy", "business"] });
    assert.deepStrictEqual(origin.logicalTypeOptions, { pattern: "^(?:[A-Z]{3})$" });
    assert.deepStrictEqual(quality, [{ type: "library", metric: "rowCount", mustBe: 10 }]);
    assert.deepInclude(Odcs.toDocument(Flight.spec), {
      team: { name: "ops" },
      roles: [{ role: "care", access: "read" }],
      slaProperties: [{ property: "latency", value: 2, unit: "d", element: "flight.at" }],
    });
  });

  it("writes an expectation as a metric of the standard where there is one", () => {
    const check = { columns: ["origin"], args: {}, severity: "warn" } as const;
    const expectations = [
      { ...check, kind: "not-null", name: "a", mostly: 0.95 },
      { ...check, kind: "unique", name: "b" },
      { ...check, kind: "in-set", name: "c", args: { values: ["JFK"] } },
      { ...check, kind: "row-count", name: "d", columns: [], args: { atLeast: 5 } },
      { ...check, kind: "unique", name: "e", where: "true" },
    ];
    const exported = Odcs.toDocument({ ...Flight.spec, expectations });
    assert.strictEqual(problems(exported), "No errors");
    const [, ...rules]: Array<{ [field: string]: unknown }> = Object(exported).schema[0].quality;
    assert.deepStrictEqual(
      rules.map(({ type, metric }) => metric ?? type),
      ["nullValues", "duplicateValues", "invalidValues", "rowCount", "custom"],
    );
    assert.deepInclude(rules[0], { mustBeLessOrEqualTo: 5, unit: "percent", severity: "warning" });
  });
});

describe("fromDocument", () => {
  it("reads types, also where only the physical one is given", () => {
    const types: ReadonlyArray<readonly [object, string | undefined]> = [
      [{ logicalType: "integer" }, "int"],
      [{ logicalType: "number" }, "float"],
      [{ logicalType: "date" }, "timestamp"],
      [{ physicalType: "varchar(18)" }, "string"],
      [{ physicalType: "BIGINT" }, "int"],
      [{ physicalType: "int4" }, "int"],
      [{ physicalType: "DECIMAL(10, 2)" }, "float"],
      [{ physicalType: "interval" }, undefined],
      [{ logicalType: "array" }, undefined],
    ];
    for (const [fields, type] of types) {
      const { contract } = imported(
        document({
          properties: [
            { name: "x", ...fields },
            { name: "y", logicalType: "string" },
          ],
        }),
      );
      assert.strictEqual(contract.spec.columns["x"]?.type, type, JSON.stringify(fields));
    }
  });

  it("reads options of types as limits and expectations", () => {
    const int = { logicalType: "integer", required: true };
    const text = { logicalType: "string", required: true };
    const options = (base: object, logicalTypeOptions: object) =>
      property({ ...base, logicalTypeOptions });
    assert.deepInclude(options(int, { exclusiveMinimum: 0, maximum: 9 }).column, {
      min: 1,
      max: 9,
    });
    assert.deepStrictEqual(
      options({ logicalType: "number" }, { exclusiveMinimum: 0, multipleOf: 5 }).notes,
      [
        "schema[0].properties[0].logicalTypeOptions.exclusiveMinimum",
        "schema[0].properties[0].logicalTypeOptions.multipleOf",
      ],
    );
    const patterns: ReadonlyArray<readonly [string, string]> = [
      ["^[A-Z]{3}$", "[A-Z]{3}"],
      ["^(?:a|b)$", "a|b"],
      ["^a|b$", "[\\s\\S]*(?:^a|b$)[\\s\\S]*"],
      ["\\d", "[\\s\\S]*(?:\\d)[\\s\\S]*"],
    ];
    for (const [given, whole] of patterns) {
      assert.strictEqual(options(text, { pattern: given }).column?.pattern, whole);
    }
    assert.deepStrictEqual(options(text, { minLength: 2, format: "uuid" }).expectations, [
      { kind: "length", name: "x.length", columns: ["x"], args: { atLeast: 2 }, severity: "fail" },
      {
        kind: "format",
        name: "x.format",
        columns: ["x"],
        args: { format: "uuid" },
        severity: "fail",
      },
    ]);
    const time = options(
      { logicalType: "timestamp" },
      { minimum: "2001-01-01", defaultTimezone: "Mars/X" },
    );
    assert.deepStrictEqual(time.expectations[0]?.args, { atLeast: "2001-01-01T00:00:00.000Z" });
    assert.deepStrictEqual(time.notes, [
      "schema[0].properties[0].logicalTypeOptions.defaultTimezone",
    ]);
  });

  it("reads rules as limits of the column, as expectations, or not at all", () => {
    const rule = (fields: object) => property({ logicalType: "string", quality: [fields] });
    assert.isFalse(rule({ metric: "nullValues", mustBe: 0 }).column?.nullable);
    assert.deepInclude(
      rule({ metric: "nullValues", mustBeLessThan: 1, unit: "percent" }).expectations[0],
      {
        kind: "not-null",
        mostly: 0.99,
      },
    );
    assert.deepInclude(rule({ metric: "nullValues", mustBeLessThan: 5 }).expectations[0], {
      kind: "null-count",
      args: { atMost: 4 },
    });
    const values = { validValues: ["kg", "t"] };
    assert.deepStrictEqual(
      rule({ metric: "invalidValues", arguments: values, mustBe: 0 }).column?.values,
      ["kg", "t"],
    );
    assert.deepInclude(
      rule({ metric: "invalidValues", arguments: values, mustBe: 0, severity: "warning" })
        .expectations[0],
      { kind: "in-set", args: { values: ["kg", "t"] }, severity: "warn" },
    );
    assert.deepInclude(
      rule({ metric: "missingValues", arguments: { missingValues: [null, "N/A"] }, mustBe: 0 }),
      {
        expectations: [
          {
            kind: "not-in-set",
            name: "x.not-in-set",
            columns: ["x"],
            args: { values: ["N/A"] },
            severity: "fail",
          },
        ],
      },
    );
    assert.strictEqual(
      rule({ metric: "duplicateValues", mustBe: 0 }).expectations[0]?.kind,
      "unique",
    );
    assert.deepInclude(
      rule({
        type: "sql",
        query: "SELECT COUNT(*) FROM {object} WHERE {property} IS NOT NULL",
        mustBeGreaterThan: 3,
        name: "some",
      }).expectations[0],
      {
        kind: "aggregate",
        name: "some",
        args: { expression: "COUNT(*)", atLeast: 4 },
        where: '"x" IS NOT NULL',
      },
    );
    for (const other of [
      { type: "text", description: "looks right" },
      { type: "sql", query: "SELECT a, b FROM {object} GROUP BY a", mustBe: 1 },
      { type: "sql", query: "SELECT sum(a) FROM {object}", mustBeLessThan: 1 },
      { metric: "duplicateValues", mustBeLessThan: 3 },
      { type: "custom", engine: "soda", implementation: "…" },
    ]) {
      const { expectations, notes } = rule(other);
      assert.deepStrictEqual([expectations, notes], [[], ["schema[0].properties[0].quality[0]"]]);
    }
  });

  it("reads keys, rows, uniqueness and names that occur twice", () => {
    const { contract } = imported(
      document({
        properties: [
          { name: "b", logicalType: "string", primaryKey: true, primaryKeyPosition: 2 },
          {
            name: "a",
            logicalType: "string",
            primaryKey: true,
            primaryKeyPosition: 1,
            unique: true,
          },
        ],
        quality: [
          { metric: "rowCount", mustBeBetween: [10, 20] },
          { metric: "duplicateValues", arguments: { properties: ["a"] }, mustBe: 0 },
        ],
      }),
    );
    const { key, minRows, maxRows, expectations, columns } = contract.spec;
    assert.deepStrictEqual([key, minRows, maxRows], [["a", "b"], 10, 20]);
    assert.deepStrictEqual(
      expectations?.map(({ name }) => name),
      ["a.unique", "a.unique-2"],
    );
    assert.isFalse(columns["a"]?.nullable);
  });

  it("reads owner, consumers and freshness in all the forms they have", () => {
    const properties = [{ name: "at", logicalType: "timestamp" }];
    const { contract, unmapped } = imported(
      document(
        { properties, description: "trips of taxis" },
        {
          description: { purpose: "billing", usage: "monthly" },
          team: [
            { username: "ana", role: "Owner" },
            { username: "bo", role: "Steward" },
          ],
          roles: [
            { role: "prices", access: "read" },
            { role: "loader", access: "write" },
          ],
          slaProperties: [
            { property: "Freshness", value: "36", unit: "hours", element: "trips.at" },
            { property: "retention", value: 3, unit: "y" },
            { property: "latency", value: 1, unit: "d", element: "others.at" },
          ],
          tags: ["taxi"],
          price: { priceAmount: 1 },
        },
      ),
    );
    const { owner, consumers, description, freshnessMs, eventTime } = contract.spec;
    assert.deepStrictEqual(
      [owner, consumers, description, freshnessMs, eventTime],
      ["ana", ["prices"], "trips of taxis", 36 * 3_600_000, "at"],
    );
    assert.deepStrictEqual(unmapped.map(({ at }) => at).toSorted(), [
      "description.usage",
      "price",
      "roles[1].role",
      "schema[0].properties",
      "slaProperties[1].property",
      "tags",
      "team[1].username",
    ]);
  });

  it("says that nobody has said when values are known", () => {
    const { unmapped } = imported(document({ properties: [{ name: "x", logicalType: "string" }] }));
    assert.deepStrictEqual(unmapped[0]?.value, ["x"]);
    assert.match(unmapped[0]?.why ?? "", /taken as known at the decision/);
  });

  it("refuses with every problem what is no document, or no contract", () => {
    const refused = (json: unknown, options?: Odcs.FromOptions): string => {
      const found = Odcs.fromDocument(json, options);
      return Result.isFailure(found) ? found.failure.message : "";
    };
    for (const none of [7, null, "hello", []]) {
      assert.match(refused(none), /\n {2}- the document: expected an object$/);
    }
    assert.match(refused({}), /kind: expected "DataContract"[^]*schema/);
    assert.match(refused({ ...document({}), apiVersion: "v2.2.2" }), /expected v3, found "v2.2.2"/);
    const empty = document({ properties: [] }, { team: undefined, version: 2 });
    assert.match(refused(empty), /version: expected text[^]*no owner[^]*no columns/);
    const fine = document(
      { properties: [{ name: "x", logicalType: "string" }] },
      { team: undefined },
    );
    assert.match(refused(fine), /no owner/);
    assert.strictEqual(refused(fine, { owner: "fleet" }), "");
  });

  it("never throws, whatever it is given", () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3 }), fc.anything(), (object, anything) => {
        for (const json of [
          object,
          anything,
          document(object),
          document({ properties: [object] }),
          document({}, object),
        ]) {
          Odcs.fromDocument(json);
        }
      }),
      { numRuns: 200 },
    );
  });
});
