/** Random contracts and rows, for property-based tests of what is made from a contract. */
import * as fc from "fast-check";
import type { CheckSpec } from "../src/Check.ts";
import { type ColumnSpec, isScalar, type PartSpec } from "../src/Column.ts";
import * as Contract from "../src/Contract.ts";

const texts = ["delay", "café", "a|b", 'say "x"', "it's", "two\nlines", "#1 <b>", "%", "-", "null"];
/** Words that people write, and some that break what is not careful. */
export const words = fc.oneof(
  fc.constantFrom(...texts),
  fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== ""),
);

/** Names of columns, also such as SQL, JavaScript and YAML trip over. */
const names = fc.oneof(
  fc.constantFrom("delay", "origin", "select", "order by", "toString", "a-b", "é", "1st", "yes"),
  fc.stringMatching(/^[a-z][a-z_]{0,6}$/),
);

const patterns = ["[A-Z]{3}", "a+|b", "\\d{4}-\\d{2}", "(?:x|yz)*", "[^,|]{1,4}"];

const common = {
  description: words,
  classification: fc.constantFrom("public", "internal", "confidential", "personal"),
  renamedFrom: fc.constantFrom("formerly", "once"),
};
const required = {
  availableAt: fc.constantFrom("decision", "outcome"),
  nullable: fc.boolean(),
};
const keys: ["availableAt", "nullable"] = ["availableAt", "nullable"];
const ofType = <T extends ColumnSpec["type"]>(type: T) => fc.constant(type);
const limits = (type: "int" | "float") =>
  fc
    .record(
      {
        ...required,
        ...common,
        unit: fc.constantFrom("min", "mi", "USD"),
        min: fc.integer({ min: -100, max: 0 }),
        max: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constant(0.5)),
      },
      { requiredKeys: keys },
    )
    .map((column) => ({ ...column, type }));

/** Columns of one value that are valid in themselves. */
const scalars: fc.Arbitrary<ColumnSpec> = fc.oneof<Array<fc.Arbitrary<ColumnSpec>>>(
  limits("int"),
  limits("float"),
  fc.record(
    { type: ofType("boolean"), ...required, ...common },
    { requiredKeys: ["type", ...keys] },
  ),
  fc.record(
    {
      type: ofType("timestamp"),
      ...required,
      ...common,
      zone: fc.constantFrom("UTC", "America/New_York", "Asia/Kolkata"),
    },
    { requiredKeys: ["type", ...keys] },
  ),
  fc.record(
    {
      type: ofType("string"),
      ...required,
      ...common,
      values: fc.uniqueArray(words, { minLength: 1, maxLength: 4 }),
    },
    { requiredKeys: ["type", ...keys] },
  ),
  fc.record(
    { type: ofType("string"), ...required, ...common, pattern: fc.constantFrom(...patterns) },
    { requiredKeys: ["type", ...keys] },
  ),
);

/** What lists hold, and fields of structs. */
const parts: fc.Arbitrary<PartSpec> = scalars.map(
  ({ classification: _, renamedFrom: __, zone: ___, ...column }) => {
    const { type } = column;
    if (!isScalar(type)) throw new Error("a column of one value");
    return { ...column, type, availableAt: "decision" };
  },
);

/** Columns that are valid in themselves. */
export const columns: fc.Arbitrary<ColumnSpec> = fc.oneof<Array<fc.Arbitrary<ColumnSpec>>>(
  scalars,
  scalars,
  scalars,
  fc.record(
    { type: ofType("list"), ...required, ...common, items: parts },
    { requiredKeys: ["type", "items", ...keys] },
  ),
  fc.record(
    {
      type: ofType("struct"),
      ...required,
      ...common,
      fields: fc
        .uniqueArray(fc.tuple(names, parts), {
          minLength: 1,
          maxLength: 3,
          selector: ([name]) => name.toLowerCase(),
        })
        .map((fields) => Object.fromEntries(fields)),
    },
    { requiredKeys: ["type", "fields", ...keys] },
  ),
  fc.record(
    { type: ofType("embedding"), ...required, ...common, size: fc.integer({ min: 1, max: 4 }) },
    { requiredKeys: ["type", "size", ...keys] },
  ),
);

const checks = (read: ReadonlyArray<string>): fc.Arbitrary<CheckSpec> =>
  fc.record(
    {
      kind: fc.constantFrom("mean", "in-set", "not-null", "unique", "row-count"),
      name: words,
      columns: fc.subarray([...read], { minLength: 1 }),
      args: fc.dictionary(
        fc.constantFrom("atLeast", "atMost", "q", "values"),
        fc.oneof(fc.integer({ min: -9, max: 9 }), words, fc.array(words, { maxLength: 2 })),
      ),
      severity: fc.constantFrom("fail", "warn", "info"),
      mostly: fc.constantFrom(0, 0.5, 0.99, 1),
      where: fc.constantFrom('"delay" > 0', "true"),
      owner: words,
      description: words,
    },
    { requiredKeys: ["kind", "name", "columns", "args", "severity"] },
  );

/** Valid contracts of up to six columns. */
export const specs: fc.Arbitrary<Contract.ContractSpec> = fc
  .uniqueArray(fc.tuple(names, columns), {
    minLength: 1,
    maxLength: 6,
    selector: ([name]) => name.toLowerCase(),
  })
  .chain((entries) => {
    const all = entries.map(([name]) => name);
    const those = (fits: (column: ColumnSpec) => boolean) =>
      entries.filter(([, column]) => fits(column)).map(([name]) => name);
    const times = those(({ type }) => type === "timestamp");
    const outcomes = those(({ availableAt, type }) => availableAt === "outcome" && isScalar(type));
    const solid = those(({ nullable, type }) => !nullable && isScalar(type));
    const single = those(({ type }) => isScalar(type));
    const one = (from: ReadonlyArray<string>) =>
      from.length === 0 ? fc.constant(undefined) : fc.constantFrom(undefined, ...from);
    return fc
      .record({
        name: words,
        version: fc.constantFrom("1", "0.3.1", "1.0.0", "2.10.3"),
        owner: words,
        consumers: fc.uniqueArray(words, { maxLength: 3 }),
        description: fc.option(words, { nil: undefined }),
        columns: fc.constant(Object.fromEntries(entries)),
        eventTime: one(times),
        knownAt: one(times),
        label: one(outcomes),
        group: one(single),
        key: fc.option(fc.shuffledSubarray([...solid], { minLength: Math.min(1, solid.length) }), {
          nil: undefined,
        }),
        expectations: fc.option(
          fc.uniqueArray(checks(all), { maxLength: 3, selector: ({ name }) => name }),
          { nil: undefined },
        ),
        freshnessMs: fc.constantFrom(undefined, 0, 1, 90_061_001, 172_800_000, 3_600_000.5),
        minRows: fc.constantFrom(undefined, 0, 1, 10),
        maxRows: fc.constantFrom(undefined, 10, 1_000_000),
      })
      .map((drawn) => given(drawn));
  })
  .filter((spec) => Contract.problemsOf(spec).length === 0);

/** Without what is undefined: a specification is JSON. */
const given = <A extends object>(drawn: A): A & Contract.ContractSpec =>
  JSON.parse(JSON.stringify(drawn));

const instants = fc
  .date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());

const valueOf = (column: ColumnSpec): fc.Arbitrary<unknown> => {
  const { type, min = -1000, max = 1000, values, pattern, items, fields = {}, size = 0 } = column;
  switch (type) {
    case "list":
      return items === undefined ? fc.constant([]) : fc.array(orNull(items), { maxLength: 3 });
    case "struct":
      return fc.record(
        Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, orNull(one)])),
      );
    case "embedding":
      return fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
        minLength: size,
        maxLength: size,
      });
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.integer({ min: Math.ceil(min), max: Math.floor(max) });
    case "float":
      return fc.double({ min, max, noNaN: true, noDefaultInfinity: true });
    case "timestamp":
      return instants;
    case "string":
      if (values !== undefined) return fc.constantFrom(...values);
      return pattern === undefined ? words : fc.stringMatching(new RegExp(`^(?:${pattern})$`));
  }
};

const orNull = (column: ColumnSpec): fc.Arbitrary<unknown> =>
  column.nullable
    ? fc.oneof({ arbitrary: valueOf(column), weight: 4 }, fc.constant(null))
    : valueOf(column);

/** Rows in JSON that keep the columns. */
export const rowsOf = (
  of: Contract.ContractSpec["columns"],
): fc.Arbitrary<{ readonly [name: string]: unknown }> =>
  fc.record(Object.fromEntries(Object.entries(of).map(([name, column]) => [name, orNull(column)])));

const strange = fc.constantFrom<Array<unknown>>(
  null,
  true,
  0,
  -101,
  0.5,
  1001,
  2 ** 53,
  1e300,
  "",
  "x",
  "ABC",
  "JFK\n",
  "2001-02-28T24:00:00Z",
  "2001-02-29T00:00Z",
  "2000-02-29T23:59:59.123456789+23:59",
  "1900-02-29T00:00Z",
  "2001-06-31T00:00Z",
  "2001-06-01T00:00:60Z",
  "2001-06-01T00:00:00+24:00",
  "2001-06-01T10:15:00",
  "2001-06-01",
  [],
  {},
);

/** Rows that keep the columns, but for some fields that may be anything, missing or too many. */
export const mutantsOf = (
  of: Contract.ContractSpec["columns"],
): fc.Arbitrary<{ readonly [name: string]: unknown }> =>
  fc
    .tuple(
      rowsOf(of),
      fc.dictionary(fc.constantFrom(...Object.keys(of), "extra"), strange, { maxKeys: 2 }),
      fc.subarray(Object.keys(of), { maxLength: 1 }),
    )
    .map(([row, changed, missing]) =>
      Object.fromEntries(
        Object.entries({ ...row, ...changed }).filter(([name]) => !missing.includes(name)),
      ),
    );
