import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Column from "./Column.ts";

const decode = (column: Column.Column<unknown>, value: unknown) =>
  Schema.decodeUnknownResult(column.schema)(value);

const accepts = (column: Column.Column<unknown>, ...values: ReadonlyArray<unknown>) => {
  for (const value of values) assert.strictEqual(decode(column, value)._tag, "Success", `${value}`);
};

const refuses = (
  column: Column.Column<unknown>,
  expected: RegExp,
  ...values: ReadonlyArray<unknown>
) => {
  for (const value of values) {
    const result = decode(column, value);
    assert.isTrue(result._tag === "Failure", `${value} was accepted`);
    if (result._tag === "Failure") assert.match(result.failure.message, expected);
  }
};

describe("a column decodes its own values and refuses others in words", () => {
  it("int", () => {
    accepts(Column.int({ min: -1, max: 2 }), -1, 0, 2);
    refuses(Column.int(), /Expected an integer/, 0.5, 2 ** 53);
    refuses(Column.int(), /Expected/, NaN, Infinity, "1", null, undefined, true, 1n);
    refuses(Column.int({ min: -1 }), /greater than or equal to -1/, -2);
    refuses(Column.int({ max: 2 }), /less than or equal to 2/, 3);
  });

  it("float: NaN and infinities are not values", () => {
    accepts(Column.float({ min: 0, max: 1 }), 0, 0.5, 1, -0, 5e-324);
    refuses(Column.float(), /Expected a finite number/, NaN, Infinity, -Infinity);
    refuses(Column.float({ min: 0, max: 1 }), /Expected/, -5e-324, 1.0000000000000002, "0.5");
  });

  it("string: the whole value matches", () => {
    accepts(Column.string(), "", "a", "\u0000");
    accepts(Column.string({ pattern: "[A-Z]{3}|X" }), "JFK", "X");
    refuses(Column.string({ pattern: "[A-Z]{3}|X" }), /RegExp/, "JFKX", "JFK\n", "jfk", "");
    accepts(Column.string({ values: ["a", "b"] }), "a", "b");
    refuses(Column.string({ values: ["a", "b"] }), /"a" \| "b"/, "c", "", null);
    refuses(Column.string({ values: ["a", "b"], pattern: "b" }), /Expected/, "a", "c");
  });

  it("boolean", () => {
    accepts(Column.boolean(), true, false);
    refuses(Column.boolean(), /Expected boolean/, 0, "true", null);
  });

  it("list, struct and embedding: each part is checked", () => {
    accepts(Column.list(Column.int({ min: 0 })), [], [0, 1]);
    accepts(Column.list(Column.int({ nullable: true })), [null]);
    refuses(Column.list(Column.int({ min: 0 })), /Expected/, [-1], [0.5], [null], "1", null, {});
    const address = Column.struct({ city: Column.string(), floor: Column.int({ nullable: true }) });
    accepts(address, { city: "Ulm", floor: null });
    refuses(address, /city|floor/, { city: "Ulm" }, { city: 1, floor: 1 }, {});
    accepts(Column.embedding(2), [0.5, -1]);
    refuses(Column.embedding(2), /2 numbers/, [], [1], [1, 2, 3]);
    refuses(Column.embedding(2), /number/, [1, NaN], [1, null]);
    assert.throws(() => Column.embedding(0), /at least one: not 0/);
  });

  it("nullable takes null, and no more than that", () => {
    accepts(Column.int({ nullable: true }), null, 1);
    accepts(Column.timestamp({ nullable: true }), null);
    refuses(Column.int({ nullable: true }), /Expected/, undefined, NaN);
    refuses(Column.int({ nullable: false }), /Expected/, null);
  });
});

describe("a timestamp", () => {
  it("is an instant with a zone", () => {
    const instants: ReadonlyArray<readonly [string, number]> = [
      ["2001-06-01T10:15Z", Date.UTC(2001, 5, 1, 10, 15)],
      ["2001-06-01T10:15:07.5Z", Date.UTC(2001, 5, 1, 10, 15, 7, 500)],
      ["2001-06-01T00:30:00+02:00", Date.UTC(2001, 4, 31, 22, 30)],
      ["2004-02-29T23:59:59.999999999Z", Date.UTC(2004, 1, 29, 23, 59, 59, 999)],
      ["0001-01-01T00:00:00-00:30", Date.parse("0001-01-01T00:30:00Z")],
    ];
    for (const [text, millis] of instants) {
      assert.deepStrictEqual(
        Schema.decodeUnknownSync(Column.timestamp().schema)(text),
        new Date(millis),
      );
    }
  });

  it("is refused without a zone, or as anything but text", () => {
    const wanted = /Expected an ISO 8601 instant with a zone/;
    refuses(Column.timestamp(), wanted, "2001-06-01T10:15:00", "2001-06-01", "June 1, 2001", "");
    refuses(Column.timestamp(), /Expected string/, 0, new Date(0), null);
  });

  it("is refused if there is no such day or hour, instead of being moved to another", () => {
    refuses(
      Column.timestamp(),
      /an instant that exists/,
      "2001-02-30T00:00:00Z",
      "2001-02-29T12:00:00+01:00",
      "2001-04-31T00:00Z",
      "2001-01-01T24:00:00Z",
      "2001-13-01T00:00:00Z",
      "2001-00-01T00:00:00Z",
      "2001-01-01T10:61:00Z",
      "2001-01-01T10:00:00+99:00",
    );
  });

  it("reads back what it wrote", () => {
    const { schema } = Column.timestamp();
    fc.assert(
      fc.property(
        fc.date({
          min: new Date("0000-01-01T00:00:00Z"),
          max: new Date("9999-12-31T23:59:59.999Z"),
          noInvalidDate: true,
        }),
        (date) => {
          const text = Schema.encodeUnknownSync(schema)(date);
          assert.deepStrictEqual(Schema.decodeUnknownSync(schema)(text), date);
        },
      ),
    );
  });
});

describe("fromSpec", () => {
  const common = { nullable: fc.boolean(), availableAt: fc.constantFrom("decision", "outcome") };
  const limits = { min: fc.integer({ min: -9, max: 0 }), max: fc.integer({ min: 1, max: 9 }) };
  const requiredKeys: Array<"nullable"> = [];
  const columns = fc.oneof<Array<fc.Arbitrary<Column.Column<unknown>>>>(
    fc.record({ ...common, ...limits }, { requiredKeys }).map((options) => Column.int(options)),
    fc.record({ ...common, ...limits }, { requiredKeys }).map((options) => Column.float(options)),
    fc.record(common, { requiredKeys }).map((options) => Column.boolean(options)),
    fc.record(common, { requiredKeys }).map((options) => Column.timestamp(options)),
    fc
      .record(
        {
          ...common,
          values: fc.subarray(["a", "b", "ab"], { minLength: 1 }),
          pattern: fc.constantFrom("a+", "a|b", ".*"),
        },
        { requiredKeys },
      )
      .map((options) => Column.string(options)),
  );
  const values = fc.oneof(
    fc.integer({ min: -12, max: 12 }),
    fc.double(),
    fc.constantFrom<Array<unknown>>(null, undefined, true, "a", "b", "ab", "aa", "c"),
    fc.constantFrom("2001-06-01T10:15:00Z", "2001-02-30T10:15:00Z", "2001-06-01"),
    fc.anything(),
  );

  it("decodes any value as the column whose specification was stored", () => {
    fc.assert(
      fc.property(columns, values, (column, value) => {
        const stored: unknown = JSON.parse(JSON.stringify(column.spec));
        const again = Column.fromSpec(Schema.decodeUnknownSync(Column.ColumnSpec)(stored));
        assert.deepStrictEqual(again.spec, column.spec);
        const [wanted, got] = [decode(column, value), decode(again, value)];
        assert.strictEqual(got._tag, wanted._tag);
        if (wanted._tag === "Success" && got._tag === "Success") {
          assert.deepStrictEqual(got.success, wanted.success);
        } else if (wanted._tag === "Failure" && got._tag === "Failure") {
          assert.strictEqual(got.failure.message, wanted.failure.message);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("timestamp", () => {
  it("takes a zone for a source's times, if there is one of that name", () => {
    assert.strictEqual(
      Column.timestamp({ zone: "America/New_York" }).spec.zone,
      "America/New_York",
    );
    assert.throws(() => Column.timestamp({ zone: "New York" }), /no time zone.*America\/New_York/);
  });
});
