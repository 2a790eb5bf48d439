/** Contracts as types for Python. */
import type { ColumnSpec } from "../Column.ts";
import type { Digest } from "../Digest.ts";
import type { ContractSpec } from "./spec.ts";

/** A contract, and what its types are known by: its digest, or that of what it follows from. */
export interface ForPython {
  readonly spec: ContractSpec;
  readonly digest: Digest;
}

/**
 * A Python module with a class for each contract: the type of a row for type checkers, the names of the
 * columns, and a check of rows at run time. It needs nothing but Python 3.8. `command` is what generates
 * it again; each class carries a digest, by which a script that was written for another state is refused.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const Point = Contract.make("point", {
 *   version: "1.0.0", owner: "lab", columns: { x: Column.float({ unit: "mm" }) },
 * });
 * const module: string = Contract.toPython([Point], "ml-pipe codegen python pipeline.ts");
 * ```
 */
export const toPython = (contracts: ReadonlyArray<ForPython>, command: string): string => {
  const sorted = contracts
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(named(new Set(reserved)));
  return `"""
Types of what a pipeline hands over. Generated: do not edit. To write it again:

    ${command}
"""
${sorted.map(({ spec, digest }) => `# from ${spec.name} ${spec.version} ${digest}`).join("\n")}
import re
from typing import Any, Dict, List, Literal, Mapping, Optional, Tuple, TypedDict

${checker}
${sorted.map(classOf).join("\n")}`;
};

const classOf = ({ spec, digest, name }: Named): string => {
  const columns = Object.entries(spec.columns);
  const about = spec.description === undefined ? "" : `: ${oneLine(spec.description)}`;
  return `
${name}Column = Literal[
${columns.map(([column]) => `    ${quoted(column)},`).join("\n")}
]
${name}Row = TypedDict(
    ${quoted(`${name}Row`)},
    {
${columns.map(([column, one]) => `        ${quoted(column)}: ${typeOf(one)},${comment(one)}`).join("\n")}
    },
)


class ${name}:
    ${quoted(`${spec.name} ${spec.version}, of ${spec.owner}${about}`)}

    DIGEST = ${quoted(digest)}
    COLUMNS: Tuple[${name}Column, ...] = (
${columns.map(([column]) => `        ${quoted(column)},`).join("\n")}
    )
    _RULES: Dict[str, Dict[str, Any]] = {
${columns.map(([column, one]) => `        ${quoted(column)}: ${rulesOf(one)},`).join("\n")}
    }

    @classmethod
    def problems(cls, row: Mapping[str, Any]) -> List[str]:
        """Everything that is wrong with a row; nothing if it is one of these."""
        return _problems(cls._RULES, row)
`;
};

/** The check of a row, written once for all classes. Mirrors what `Contract.rowSchema` checks. */
const checker = `
def _problems(rules: Dict[str, Dict[str, Any]], row: Mapping[str, Any]) -> List[str]:
    found = [f"{name}: the contract has no such column" for name in row if name not in rules]
    for name, rule in rules.items():
        if name not in row:
            found.append(f"{name}: expected {rule['type']}, found nothing")
            continue
        found.extend(_problems_of(name, rule, row[name]))
    return found


def _problems_of(name: str, rule: Dict[str, Any], value: Any) -> List[str]:
    # Arrays and data frames have types of their own, for lists, numbers and what is missing.
    value = value.tolist() if hasattr(value, "tolist") else value
    missing = type(value).__name__ in ("NoneType", "NAType", "NaTType")
    if missing or (isinstance(value, float) and value != value):
        return [] if rule.get("nullable", False) else [f"{name}: expected {rule['type']}, found no value"]
    kind = rule["type"]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "boolean": isinstance(value, bool),
        "int": number and value == int(value) if number and abs(value) != float("inf") else False,
        "float": number and abs(value) != float("inf"),
        "string": isinstance(value, str),
        "timestamp": hasattr(value, "isoformat") or isinstance(value, str),
        "list": isinstance(value, (list, tuple)),
        "struct": isinstance(value, Mapping),
        "embedding": isinstance(value, (list, tuple)),
    }[kind]
    if not fits:
        return [f"{name}: expected {kind}, found {value!r}"]
    found = []
    if "min" in rule and value < rule["min"]:
        found.append(f"{name}: expected at least {rule['min']}, found {value!r}")
    if "max" in rule and value > rule["max"]:
        found.append(f"{name}: expected at most {rule['max']}, found {value!r}")
    if "values" in rule and value not in rule["values"]:
        found.append(f"{name}: expected one of {rule['values']}, found {value!r}")
    if "pattern" in rule:
        try:
            # As everywhere else, \\d and \\w are of ASCII.
            if re.fullmatch(rule["pattern"], value, re.ASCII) is None:
                found.append(f"{name}: expected text that matches {rule['pattern']}, found {value!r}")
        except re.error as problem:
            found.append(f"{name}: the pattern {rule['pattern']} cannot be checked in Python: {problem}")
    if "size" in rule and len(value) != rule["size"]:
        found.append(f"{name}: expected {rule['size']} numbers, found {len(value)}")
    if "items" in rule:
        for place, one in enumerate(value):
            found.extend(_problems_of(f"{name}[{place}]", rule["items"], one))
    if "fields" in rule:
        found.extend(f"{name}.{problem}" for problem in _problems(rule["fields"], value))
    return found
`;

const types = {
  boolean: "bool",
  int: "int",
  float: "float",
  string: "str",
  timestamp: "Any",
  list: "List[Any]",
  struct: "Mapping[str, Any]",
  embedding: "List[float]",
} as const;

const typeOf = ({ type, nullable, values, items }: ColumnSpec): string => {
  const plain =
    items !== undefined
      ? `List[${typeOf(items)}]`
      : values === undefined
        ? types[type]
        : `Literal[${values.map(quoted).join(", ")}]`;
  return nullable ? `Optional[${plain}]` : plain;
};

const comment = ({ description, unit }: ColumnSpec): string => {
  const words = [description, unit].filter((one) => one !== undefined).map(oneLine);
  return words.length === 0 ? "" : `  # ${words.join("; ")}`;
};

const rulesOf = (column: ColumnSpec): string => {
  const { type, nullable, min, max, values, pattern, items, fields, size } = column;
  const inside = Object.entries(fields ?? {}).map(
    ([name, field]) => `${quoted(name)}: ${rulesOf(field)}`,
  );
  const item = type === "embedding" ? `{"type": "float"}` : items && rulesOf(items);
  const rules = [
    `"type": ${quoted(type)}`,
    ...(nullable ? [`"nullable": True`] : []),
    ...(min === undefined ? [] : [`"min": ${min}`]),
    ...(max === undefined ? [] : [`"max": ${max}`]),
    ...(values === undefined ? [] : [`"values": [${values.map(quoted).join(", ")}]`]),
    ...(pattern === undefined ? [] : [`"pattern": ${quoted(pattern)}`]),
    ...(size === undefined ? [] : [`"size": ${size}`]),
    ...(item === undefined ? [] : [`"items": ${item}`]),
    ...(fields === undefined ? [] : [`"fields": {${inside.join(", ")}}`]),
  ];
  return `{${rules.join(", ")}}`;
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");

/** A text of Python: JSON is one, but for pairs of surrogates, which are written as they are. */
const quoted = (text: string): string => JSON.stringify(text);

/** `flight-delay` is `FlightDelay`. */
const className = (name: string): string => {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Contract${joined}`;
};

/** A contract with the name of its class. */
interface Named extends ForPython {
  readonly name: string;
}

const keyOf = ({ spec, digest }: ForPython): string => `${spec.name} ${spec.version} ${digest}`;

/** Names that the module has already, or Python. */
const reserved = [
  "Any",
  "Dict",
  "List",
  "Literal",
  "Mapping",
  "Optional",
  "Tuple",
  "TypedDict",
].concat(["None", "True", "False"]);

/** Gives a class a name that no other has: with its version, then its digest, where it must. */
const named =
  (taken: Set<string>) =>
  (one: ForPython): Named => {
    const plain = className(one.spec.name);
    const version = `${plain}_${one.spec.version.replaceAll(/\W/g, "_")}`;
    const candidates = [plain, version];
    const all = (name: string) => [name, `${name}Row`, `${name}Column`];
    const free = candidates.find((name) => all(name).every((part) => !taken.has(part)));
    const name = free ?? `${version}_${one.digest.slice(7, 15)}`;
    for (const part of all(name)) taken.add(part);
    return { ...one, name };
  };
