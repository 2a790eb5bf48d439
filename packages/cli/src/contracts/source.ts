/** A contract as TypeScript, for a person to go on with. */
import type { Check, Column, Contract } from "@ml-pipe/ml-pipe";

/** What is said beside the definition, each as lines of comment. */
export interface Comments {
  /** At the head of the contract. */
  readonly head: ReadonlyArray<string>;
  /** Above a column. */
  readonly columns: { readonly [column: string]: ReadonlyArray<string> };
  /** Above another part, such as `key`. */
  readonly parts: { readonly [part: string]: ReadonlyArray<string> };
}

/** A module that defines contracts. */
export const moduleSource = (
  contracts: ReadonlyArray<{ readonly spec: Contract.ContractSpec; readonly comments: Comments }>,
): string => {
  const names = constantNames(contracts.map(({ spec }) => spec.name));
  return [
    'import { Column, Contract } from "@ml-pipe/ml-pipe";\n',
    ...contracts.map(({ spec, comments }, index) =>
      contractSource(names[index] ?? "Unnamed", spec, comments),
    ),
  ].join("\n");
};

/** The TypeScript of one contract, as an exported constant. */
const contractSource = (
  constant: string,
  spec: Contract.ContractSpec,
  { head, columns, parts }: Comments,
): string => {
  const { name, version, owner, consumers, description, eventTime, knownAt, label, group } = spec;
  const part = (field: string, value: unknown): ReadonlyArray<string> => [
    ...(parts[field] ?? []).map((line) => `  // ${oneLine(line)}`),
    ...(value === undefined ? [] : [`  ${field}: ${literal(value)},`]),
  ];
  return [
    ...(head.length === 0
      ? []
      : ["/**", ...head.map((line) => ` * ${oneLine(line).replaceAll("*/", "* /")}`), " */"]),
    `export const ${constant} = Contract.make(${literal(name)}, {`,
    ...part("version", version),
    ...part("owner", owner),
    ...part("consumers", consumers.length === 0 ? undefined : consumers),
    ...part("description", description),
    "  columns: {",
    ...Object.entries(spec.columns).flatMap(([column, one]) => [
      ...(columns[column] ?? []).map((line) => `    // ${oneLine(line)}`),
      `    ${property(column)}: ${columnSource(one)},`,
    ]),
    "  },",
    ...part("eventTime", eventTime),
    ...part("knownAt", knownAt),
    ...part("label", label),
    ...part("group", group),
    ...part("key", spec.key),
    ...part("freshness", spec.freshnessMs === undefined ? undefined : `${spec.freshnessMs} millis`),
    ...part("minRows", spec.minRows),
    ...part("maxRows", spec.maxRows),
    ...part("expectations", undefined),
    ...expectationsSource(spec.expectations),
    "});",
    "",
  ].join("\n");
};

/** A comment ends with its line. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n\u2028\u2029]+/g, " ");

/** JSON is JavaScript; an object without quotes where it needs none. */
const literal = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([key, member]) => `${property(key)}: ${literal(member)}`,
    );
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return JSON.stringify(value);
};

const property = (name: string): string =>
  /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : JSON.stringify(name);

const columnSource = (column: Column.ColumnSpec): string => {
  const { type, availableAt, nullable, items, fields, size, ...rest } = column;
  const options = {
    ...rest,
    ...(availableAt === "decision" ? {} : { availableAt }),
    ...(nullable ? { nullable } : {}),
  };
  const members = Object.entries(fields ?? {}).map(
    ([name, field]) => `${property(name)}: ${columnSource(field)}`,
  );
  const args = [
    ...(items === undefined ? [] : [columnSource(items)]),
    ...(fields === undefined ? [] : [`{ ${members.join(", ")} }`]),
    ...(size === undefined ? [] : [String(size)]),
    ...(Object.keys(options).length === 0 ? [] : [literal(options)]),
  ];
  return `Column.${type}(${args.join(", ")})`;
};

const expectationsSource = (
  checks: ReadonlyArray<Check.CheckSpec> | undefined,
): ReadonlyArray<string> =>
  checks === undefined
    ? []
    : checks.length === 0
      ? ["  expectations: [],"]
      : ["  expectations: [", ...checks.map((spec) => `    { spec: ${literal(spec)} },`), "  ],"];

/** Names of constants for names of contracts: `trip-features` is `TripFeatures`. */
const constantNames = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const taken = new Set<string>(["Column", "Contract"]);
  return names.map((name) => {
    const words = name.normalize("NFKD").match(/[A-Za-z0-9]+/g) ?? [];
    const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
    const plain = /^[A-Za-z]/.test(joined) ? joined : `Contract${joined}`;
    let constant = plain;
    for (let count = 2; taken.has(constant); count++) constant = `${plain}${count}`;
    taken.add(constant);
    return constant;
  });
};
