/** What can be wrong with a contract's definition, whatever the data. */
import * as Schema from "effect/Schema";
import { type ColumnSpec, isScalar } from "../Column.ts";
import { isZone } from "../internal/zone.ts";
import type { ContractSpec } from "./spec.ts";

/** A contract that contradicts itself, or names what it does not have. Lists everything. */
export class ContractInvalid extends Schema.TaggedError<ContractInvalid>()("ContractInvalid", {
  contract: Schema.String,
  problems: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const lines = this.problems.map((problem) => `  - ${problem}`);
    return `the contract "${this.contract}" is not valid:\n${lines.join("\n")}`;
  }
}

/**
 * Everything that is wrong with a contract's definition, in words; empty if nothing is.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 *
 * const found = Contract.problemsOf({
 *   name: "empty", version: "1.0.0", owner: "lab", consumers: [], columns: {},
 * }); // ["it has no columns: say what is handed over"]
 * ```
 */
export const problemsOf = (spec: ContractSpec): ReadonlyArray<string> => {
  const names = Object.keys(spec.columns);
  return [
    ...(isBlank(spec.name) ? ["it has no name"] : []),
    ...(isBlank(spec.version) ? ["it has no version: begin with 1.0.0"] : []),
    ...(isBlank(spec.owner) ? ["it has no owner: name the team that answers for the data"] : []),
    ...spec.consumers.filter(isBlank).map(() => "one of its consumers has no name"),
    ...twice(spec.consumers).map((consumer) => `it names the consumer "${consumer}" twice`),
    ...(names.length === 0 ? ["it has no columns: say what is handed over"] : []),
    ...nameProblems(names),
    ...Object.entries(spec.columns).flatMap(([name, column]) =>
      columnProblems(name, column, spec.columns).map((problem) => `column "${name}": ${problem}`),
    ),
    ...roleProblems(spec),
    ...expectationProblems(spec),
    ...volumeProblems(spec),
  ];
};

const isBlank = (text: string): boolean => text.trim() === "";

/** Those that occur more than once. */
const twice = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(texts.filter((text, index) => texts.indexOf(text) !== index)),
];

const nameProblems = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const bySpelling = new Map<string, Array<string>>();
  for (const name of names) {
    const same = bySpelling.get(name.toLowerCase());
    if (same === undefined) bySpelling.set(name.toLowerCase(), [name]);
    else same.push(name);
  }
  return [
    ...names.filter(isBlank).map(() => "one of its columns has no name"),
    // Objects of JavaScript cannot have a field of that name.
    ...names
      .filter((name) => name === "__proto__")
      .map((name) => `a column cannot be called "${name}"`),
    ...[...bySpelling.values()]
      .filter((same) => same.length > 1)
      .map(
        (same) =>
          `the columns ${same.map((name) => `"${name}"`).join(" and ")} differ in upper and lower case only, which SQL does not tell apart`,
      ),
  ];
};

const columnProblems = (
  name: string,
  column: ColumnSpec,
  columns: ContractSpec["columns"],
): ReadonlyArray<string> => {
  const { type, min, max, unit, values, pattern, zone, renamedFrom } = column;
  const isNumber = type === "int" || type === "float";
  const only = (given: unknown, what: string, fits: boolean, of: string) =>
    given !== undefined && !fits ? [`${what} is for a column of ${of}, and this is ${type}`] : [];
  return [
    ...only(unit, "a unit", isNumber, "numbers"),
    ...only(min ?? max, "a smallest or largest value", isNumber, "numbers"),
    ...only(values, "a set of values", type === "string", "text"),
    ...only(pattern, "a pattern", type === "string", "text"),
    ...only(zone, "a time zone", type === "timestamp", "timestamps"),
    ...(min !== undefined && max !== undefined && min > max
      ? [`no value is at least ${min} and at most ${max}`]
      : type === "int" && min !== undefined && max !== undefined && Math.ceil(min) > max
        ? [`no whole number is at least ${min} and at most ${max}`]
        : []),
    ...partProblems(column),
    ...(values === undefined ? [] : valueProblems(values, pattern)),
    ...(pattern === undefined ? [] : patternProblems(pattern)),
    ...(zone === undefined || isZone(zone)
      ? []
      : [`"${zone}" is no time zone of the IANA database, such as America/New_York`]),
    ...(renamedFrom !== undefined && Object.hasOwn(columns, renamedFrom)
      ? [
          renamedFrom === name
            ? "it is renamed from itself"
            : `it is renamed from "${renamedFrom}", which is still there`,
        ]
      : []),
  ];
};

const partProblems = ({ type, items, fields, size }: ColumnSpec): ReadonlyArray<string> => {
  const parts = Object.entries({ ...fields, ...(items === undefined ? {} : { items }) });
  const wanted = { list: items, struct: fields, embedding: size };
  const isNested = type === "list" || type === "struct" || type === "embedding";
  return [
    ...(isNested && wanted[type] === undefined
      ? [
          `a ${type} says ${{ list: "what it holds", struct: "its fields", embedding: "its size" }[type]}`,
        ]
      : []),
    ...(Object.entries(wanted) as ReadonlyArray<readonly [string, unknown]>)
      .filter(([of, given]) => given !== undefined && of !== type)
      .map(([of]) => `it has the parts of a ${of}, and this is ${type}`),
    ...(fields !== undefined && Object.keys(fields).length === 0 ? ["it has no fields"] : []),
    ...nameProblems(Object.keys(fields ?? {})),
    ...parts.flatMap(([name, part]) => {
      const { availableAt, classification, renamedFrom, zone } = part;
      const own = [
        ...(availableAt === "decision" ? [] : ["when it is known"]),
        ...(classification === undefined ? [] : ["a classification"]),
        ...(renamedFrom === undefined ? [] : ["a former name"]),
        ...(zone === undefined ? [] : ["a time zone"]),
      ];
      return [
        ...own.map((what) => `"${name}" has ${what}, which only whole columns have`),
        ...columnProblems(name, part, {}).map((problem) => `"${name}": ${problem}`),
      ];
    }),
  ];
};

const valueProblems = (
  values: ReadonlyArray<string>,
  pattern: string | undefined,
): ReadonlyArray<string> => {
  const whole = pattern === undefined ? undefined : wholeMatch(pattern);
  return [
    ...(values.length === 0 ? ["its set of values is empty: no value is allowed"] : []),
    ...twice(values).map((value) => `the value "${value}" is listed twice`),
    ...values
      .filter((value) => whole !== undefined && !whole.test(value))
      .map((value) => `its value "${value}" does not match its pattern ${pattern}`),
  ];
};

/** A regular expression of JavaScript that matches the whole text, or undefined if it is none. */
const wholeMatch = (pattern: string): RegExp | undefined => {
  try {
    return new RegExp(`^(?:${pattern})$`, "u");
  } catch {
    return undefined;
  }
};

/** What JavaScript has and RE2, in which DuckDB evaluates patterns, has not. */
const notInRe2: ReadonlyArray<readonly [RegExp, string]> = [
  [/\(\?<?[=!]/, "looks ahead or behind"],
  [/\\(?:[1-9]|k<)/, "refers back to a group"],
];

const patternProblems = (pattern: string): ReadonlyArray<string> => {
  if (wholeMatch(pattern) === undefined) {
    return [`its pattern ${pattern} is no regular expression`];
  }
  const plain = pattern.replaceAll(/\\\\|\\\(/g, "");
  return notInRe2
    .filter(([what]) => what.test(plain))
    .map(([, what]) => `its pattern ${pattern} ${what}, which DuckDB cannot`);
};

/** Columns that have a part to play must be there, and fit it. */
const roleProblems = (spec: ContractSpec): ReadonlyArray<string> => {
  const { columns, eventTime, knownAt, label, group, key = [] } = spec;
  const of = (name: string | undefined) =>
    name !== undefined && Object.hasOwn(columns, name) ? columns[name] : undefined;
  const names: ReadonlyArray<readonly [role: string, name: string | undefined]> = [
    ["the event time", eventTime],
    ["the known-at time", knownAt],
    ["the label", label],
    ["the group", group],
    ...key.map((name) => ["the key", name] as const),
  ];
  const missing = names.flatMap(([role, name]) =>
    name === undefined || Object.hasOwn(columns, name)
      ? []
      : [
          `${role} is a column "${name}" that it does not have: use one of ${Object.keys(columns).join(", ")}`,
        ],
  );
  const notTimes = [
    ["the event time", eventTime, of(eventTime)] as const,
    ["the known-at time", knownAt, of(knownAt)] as const,
  ].flatMap(([role, name, column]) =>
    column === undefined || column.type === "timestamp"
      ? []
      : [`${role} "${name}" is a column of ${column.type}: it must be one of timestamps`],
  );
  const several = names.flatMap(([role, name]) => {
    const type = of(name)?.type;
    return type === undefined || isScalar(type)
      ? []
      : [`${role} "${name}" is a column of ${type}: it must have one value`];
  });
  return [
    ...missing,
    ...notTimes,
    ...several,
    ...(knownAt !== undefined && knownAt === eventTime
      ? [`"${knownAt}" is both event time and known-at time: leave the latter out`]
      : []),
    ...(of(label)?.availableAt === "decision"
      ? [
          `the label "${label}" is marked as known at the decision, so that it could be a feature: mark it availableAt "outcome"`,
        ]
      : []),
    ...(group !== undefined && group === label
      ? [`"${group}" is both group and label: no part could have both outcomes`]
      : []),
    ...(spec.key?.length === 0 ? ["its key is empty: name columns, or leave it out"] : []),
    ...twice(key).map((name) => `its key names "${name}" twice`),
    ...key
      .filter((name) => of(name)?.nullable === true)
      .map(
        (name) => `its key has the column "${name}", which may be null and then identifies nothing`,
      ),
  ];
};

const expectationProblems = ({
  expectations = [],
  columns,
}: ContractSpec): ReadonlyArray<string> => [
  ...twice(expectations.map(({ name }) => name)).map(
    (name) => `two expectations are called "${name}": give one another name`,
  ),
  ...expectations
    .filter(({ name, kind }) => isBlank(name) || isBlank(kind))
    .map(() => "one of its expectations has no name or no kind"),
  ...expectations.flatMap(({ name, columns: read }) =>
    read
      .filter((column) => !Object.hasOwn(columns, column))
      .map(
        (column) => `the expectation "${name}" reads a column "${column}" that it does not have`,
      ),
  ),
];

const volumeProblems = ({ minRows, maxRows, freshnessMs }: ContractSpec): ReadonlyArray<string> => [
  ...(minRows !== undefined && minRows < 0 ? [`it asks for ${minRows} rows`] : []),
  ...(maxRows !== undefined && maxRows < 0 ? [`it allows ${maxRows} rows`] : []),
  ...(minRows !== undefined && maxRows !== undefined && minRows > maxRows
    ? [`it asks for at least ${minRows} and at most ${maxRows} rows`]
    : []),
  ...(freshnessMs !== undefined && freshnessMs < 0 ? ["its freshness is a negative duration"] : []),
];
