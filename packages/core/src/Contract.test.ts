import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import type * as Check from "./Check.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";

const columns = {
  departedAt: Column.timestamp({ description: "actual departure" }),
  delay: Column.int({ unit: "min", availableAt: "outcome", min: -1440, max: 2880 }),
  origin: Column.string({ pattern: "[A-Z]{3}" }),
  distance: Column.float({ unit: "mi", nullable: true }),
};

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  consumers: ["delay-risk"],
  columns,
  eventTime: "departedAt",
  key: ["departedAt", "origin"],
  freshness: "2 days",
  minRows: 1,
});

const good = { departedAt: "2001-06-01T10:15:00Z", delay: 3, origin: "JFK", distance: null };

const problems = (schema: Schema.ConstraintCodec<unknown, unknown>, row: unknown): string => {
  const result = Schema.decodeUnknownResult(schema)(row);
  return result._tag === "Failure" ? result.failure.message : "";
};

describe("make", () => {
  it("writes down what is promised", () => {
    assert.deepStrictEqual(Flight.spec, {
      name: "flight",
      version: "1.0.0",
      owner: "flight-operations",
      consumers: ["delay-risk"],
      columns: {
        departedAt: {
          type: "timestamp",
          description: "actual departure",
          availableAt: "decision",
          nullable: false,
        },
        delay: {
          type: "int",
          unit: "min",
          min: -1440,
          max: 2880,
          availableAt: "outcome",
          nullable: false,
        },
        origin: {
          type: "string",
          pattern: "[A-Z]{3}",
          availableAt: "decision",
          nullable: false,
        },
        distance: { type: "float", unit: "mi", availableAt: "decision", nullable: true },
      },
      eventTime: "departedAt",
      key: ["departedAt", "origin"],
      freshnessMs: 2 * 24 * 3600 * 1000,
      minRows: 1,
    });
  });

  it("has another digest as soon as anything that is promised changes", () => {
    const base = { version: "1.0.0", owner: "a", columns };
    const digests = [
      Contract.make("flight", base),
      Contract.make("flights", base),
      Contract.make("flight", { ...base, version: "1.0.1" }),
      Contract.make("flight", { ...base, owner: "b" }),
      Contract.make("flight", { ...base, minRows: 1 }),
      Contract.make("flight", { ...base, columns: { ...columns, delay: Column.int() } }),
    ].map(({ digest }) => digest);
    assert.strictEqual(new Set(digests).size, digests.length);
    assert.strictEqual(Contract.make("flight", { ...base }).digest, digests[0]);
  });
});

describe("rowSchema", () => {
  it("decodes a row, with a Date for a timestamp, and encodes it back", () => {
    const schema = Contract.rowSchema(Flight);
    const row = Schema.decodeUnknownSync(schema)(good);
    assert.deepStrictEqual(row, { ...good, departedAt: new Date("2001-06-01T10:15:00Z") });
    assert.deepStrictEqual(Schema.encodeUnknownSync(schema)(row), {
      ...good,
      departedAt: "2001-06-01T10:15:00.000Z",
    });
  });

  it("reports every problem of a row, also inside another schema", () => {
    const bad = { departedAt: "2001-02-30T00:00:00Z", delay: 2881.5, origin: "jfk", gate: "B4" };
    const found = problems(Contract.rowSchema(Flight), bad);
    for (const expected of [
      'no excess property\n  at ["gate"]',
      'an instant that exists\n  at ["departedAt"]',
      'an integer\n  at ["delay"]',
      'less than or equal to 2880\n  at ["delay"]',
      'at ["origin"]',
      'Missing key\n  at ["distance"]',
    ]) {
      assert.include(found, expected);
    }
    const inside = problems(Schema.Struct({ rows: Schema.Array(Contract.rowSchema(Flight)) }), {
      rows: [bad],
    });
    assert.strictEqual(inside, found.replaceAll('at ["', 'at ["rows"][0]["'));
  });

  it("refuses another column, NaN, a time without a zone, and what is no row", () => {
    const schema = Contract.rowSchema(Flight);
    assert.strictEqual(problems(schema, good), "");
    assert.match(problems(schema, { ...good, x: undefined }), /excess property\n {2}at \["x"\]/);
    assert.match(problems(schema, JSON.parse('{"__proto__": 1}')), /excess property/);
    assert.match(problems(schema, { ...good, delay: NaN }), /at \["delay"\]/);
    assert.match(
      problems(schema, { ...good, distance: NaN }),
      /finite number\n {2}at \["distance"\]/,
    );
    assert.match(problems(schema, { ...good, departedAt: "2001-06-01T10:15:00" }), /with a zone/);
    for (const none of [null, undefined, [], "row", 1]) {
      assert.match(problems(schema, none), /Expected object/);
    }
  });
});

describe("fromSpec", () => {
  it("is the contract that was stored, and decodes every row as it does", () => {
    const stored = Schema.decodeUnknownSync(Contract.ContractSpec)(
      JSON.parse(JSON.stringify(Flight.spec)),
    );
    const again = Contract.fromSpec(stored);
    assert.strictEqual(again.digest, Flight.digest);
    assert.deepStrictEqual(again.spec, Flight.spec);
    const row = fc.record(
      {
        departedAt: fc.constantFrom(good.departedAt, "2001-06-01", "2001-02-30T00:00:00Z", 0),
        delay: fc.oneof(fc.integer({ min: -2000, max: 4000 }), fc.double(), fc.constant(null)),
        origin: fc.constantFrom("JFK", "jfk", null, 7),
        distance: fc.oneof(fc.double(), fc.constant(null)),
        gate: fc.string(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(row, (value) => {
        const [wanted, got] = [Contract.rowSchema(Flight), Contract.rowSchema(again)].map(
          (schema) => Schema.decodeUnknownResult(schema)(value),
        );
        assert.deepStrictEqual(
          got?._tag === "Success" ? got.success : got?.failure.message,
          wanted?._tag === "Success" ? wanted.success : wanted?.failure.message,
        );
      }),
    );
  });
});

describe("contractOf", () => {
  it("finds the contract that a schema was marked with, and nothing else", () => {
    const marked = Schema.String.annotate(Contract.annotationsOf(Flight));
    assert.deepStrictEqual(Contract.contractOf(marked), Flight.spec);
    assert.isUndefined(Contract.contractOf(Schema.String));
    assert.isUndefined(Contract.contractOf(Schema.String.annotate({ "ml-pipe/contract": "x" })));
  });
});

describe("group, label and expectations", () => {
  const ofDose: Check.Check<{ readonly dose: number }> = {
    spec: {
      kind: "mean",
      name: "dose.mean",
      columns: ["dose"],
      args: { max: 5 },
      severity: "warn",
    },
  };
  const Visit = Contract.make("visit", {
    version: "1.0.0",
    owner: "clinic",
    columns: {
      at: Column.timestamp(),
      readAt: Column.timestamp(),
      patient: Column.string({ classification: "personal" }),
      dose: Column.float(),
      recovered: Column.boolean({ availableAt: "outcome" }),
    },
    eventTime: "at",
    knownAt: "readAt",
    label: "recovered",
    group: "patient",
    expectations: [ofDose],
  });

  it("are promised: stored, and part of the digest", () => {
    const { eventTime, knownAt, label, group, expectations } = Visit.spec;
    assert.deepStrictEqual(
      { eventTime, knownAt, label, group, expectations },
      {
        eventTime: "at",
        knownAt: "readAt",
        label: "recovered",
        group: "patient",
        expectations: [ofDose.spec],
      },
    );
    const { expectations: _, ...without } = Visit.spec;
    assert.notStrictEqual(Contract.fromSpec(without).digest, Visit.digest);
  });

  it("come back from the specification", () => {
    const again = Contract.fromSpec(
      Schema.decodeUnknownSync(Contract.ContractSpec)(JSON.parse(JSON.stringify(Visit.spec))),
    );
    assert.strictEqual(again.digest, Visit.digest);
    assert.deepStrictEqual([again.eventTime, again.group], [Visit.eventTime, Visit.group]);
  });
});
