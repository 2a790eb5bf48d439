/**
 * Requests: what a caller must send, as a schema and an example, and the check of what they did send.
 * A request is one JSON object with every column of the release's request contract and no other.
 */
import { Column, type Contract } from "@ml-pipe/core";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as SchemaParser from "effect/SchemaParser";

/** One thing that is wrong with a request: where, what was expected, and what was found. */
export const Problem = Schema.Struct({
  /** Path of the field: `distance`, or `[2].distance` in a list. Empty for the request as a whole. */
  field: Schema.String,
  expected: Schema.String,
  found: Schema.String,
});
/** See {@link Problem}. */
export type Problem = typeof Problem.Type;

/** A request does not keep the contract. Lists everything that is wrong with it. */
export class RequestInvalid extends Schema.TaggedError<RequestInvalid>()("RequestInvalid", {
  problems: Schema.Array(Problem),
}) {
  override get message(): string {
    const lines = this.problems.map(
      ({ field, expected, found }) =>
        `  ${field === "" ? "" : `${field}: `}expected ${expected}, found ${found}`,
    );
    return `the request is not valid:\n${lines.join("\n")}`;
  }
}

/** A checked request: each column's value as JavaScript, instants as `Date`. */
export type Row = { readonly [column: string]: unknown };

/**
 * The check of requests under a contract: the row, or every problem. Each value is decoded by its
 * column's own schema, the one that the contract uses everywhere.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Request } from "@ml-pipe/deploy";
 *
 * const Point = Contract.make("point", { version: "1", owner: "lab", columns: { x: Column.float() } });
 * const check = Request.checker(Point.spec);
 * const found = check({ x: "1" }); // Failure([{ field: "x", expected: "a finite number", found: "\"1\"" }])
 * ```
 */
export const checker = (
  spec: Contract.ContractSpec,
): ((json: unknown) => Result.Result<Row, ReadonlyArray<Problem>>) => {
  const columns = Object.entries(spec.columns).map(([name, column]) => ({
    name,
    decode: SchemaParser.decodeUnknownResult(Column.fromSpec(column).schema),
    expected: expectedOf(column),
  }));
  const known = new Set(Object.keys(spec.columns));
  const expectedFields = `no other field than ${[...known].join(", ")}`;
  return (json) => {
    if (!isRecord(json)) {
      return Result.fail([{ field: "", expected: "a JSON object", found: foundOf(json) }]);
    }
    const row: Record<string, unknown> = {};
    const problems: Array<Problem> = [];
    for (const { name, decode, expected } of columns) {
      if (!Object.hasOwn(json, name)) {
        problems.push({ field: name, expected, found: "nothing: the field is missing" });
        continue;
      }
      const decoded = decode(json[name]);
      if (Result.isSuccess(decoded)) row[name] = decoded.success;
      else problems.push({ field: name, expected, found: foundOf(json[name]) });
    }
    for (const field of Object.keys(json)) {
      if (known.has(field)) continue;
      if (problems.length >= maxProblems) break;
      problems.push({ field: shorten(field), expected: expectedFields, found: "an extra field" });
    }
    return problems.length === 0 ? Result.succeed(row) : Result.fail(problems);
  };
};

/** Problems listed for one request; a request of a million unknown fields is not answered with as many. */
const maxProblems = 100;

const isRecord = (json: unknown): json is { readonly [key: string]: unknown } =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** What a column takes, in words. */
const expectedOf = (column: Column.ColumnSpec): string =>
  `${kindOf(column)}${column.nullable ? ", or null" : ""}`;

const kindOf = (column: Column.ColumnSpec): string => {
  switch (column.type) {
    case "boolean":
      return "true or false";
    case "int":
      return `a whole number${limitsOf(column)}`;
    case "float":
      return `a finite number${limitsOf(column)}`;
    case "timestamp":
      return "an ISO 8601 instant with a zone, such as 2001-06-01T10:15:00Z";
    case "list":
      return `a list of ${column.items === undefined ? "values" : expectedOf(column.items)}`;
    case "struct": {
      const fields = Object.entries(column.fields ?? {});
      return `an object with ${fields.map(([name, one]) => `"${name}": ${expectedOf(one)}`).join(", ")}`;
    }
    case "embedding":
      return `a list of ${column.size} finite numbers`;
    case "string":
      return column.values !== undefined
        ? `one of ${column.values.map((value) => JSON.stringify(value)).join(", ")}`
        : column.pattern !== undefined
          ? `text that matches ${column.pattern}`
          : "text";
  }
};

const limitsOf = ({ min, max, unit }: Column.ColumnSpec): string => {
  const range =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? ` of at least ${min}`
        : max !== undefined
          ? ` of at most ${max}`
          : "";
  return `${range}${unit === undefined ? "" : ` (${unit})`}`;
};

/** What was sent, in a few words that are safe to print. */
const foundOf = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(shorten(value));
    case "number":
      return Number.isFinite(value) ? String(value) : `${value}: not a number that JSON can hold`;
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "a list" : "an object";
    case "undefined":
      return "nothing";
    default:
      return String(value);
  }
};

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/**
 * An example of a request, decided at an instant. Text of a pattern is only an example if one of a few
 * plain texts matches; otherwise the pattern itself stands there.
 */
export const exampleOf = (
  spec: Contract.ContractSpec,
  at: Date,
): { readonly [column: string]: Schema.Json } =>
  Object.fromEntries(
    Object.entries(spec.columns).map(([name, column]) => [name, exampleValue(column, at)]),
  );

const exampleValue = (column: Column.ColumnSpec, at: Date): Schema.Json => {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, values, pattern } = column;
  switch (column.type) {
    case "boolean":
      return true;
    case "int":
      return Math.min(Math.max(Math.ceil(min), 100), Math.floor(max));
    case "float":
      return Math.min(Math.max(min, 100), max);
    case "timestamp":
      return at.toISOString();
    case "list":
      return column.items === undefined ? [] : [exampleValue(column.items, at)];
    case "struct":
      return Object.fromEntries(
        Object.entries(column.fields ?? {}).map(([name, one]) => [name, exampleValue(one, at)]),
      );
    case "embedding":
      return Array.from({ length: column.size ?? 0 }, () => 0.5);
    case "string": {
      if (values !== undefined) return values[0] ?? "";
      if (pattern === undefined) return "text";
      const whole = new RegExp(`^(?:${pattern})$`, "u");
      return plainTexts.find((text) => whole.test(text)) ?? pattern;
    }
  }
};

const plainTexts = [
  "A",
  "AB",
  "ABC",
  "ABCD",
  "a",
  "ab",
  "abc",
  "A1",
  "ABC123",
  "1",
  "12",
  "123",
  "12345",
];
