/** A contract as a page for people. */
import * as Duration from "effect/Duration";
import type { ColumnSpec } from "../Column.ts";
import type { ContractSpec } from "./spec.ts";
import { expectationText, limitsText, typeText } from "./words.ts";

/**
 * The documentation page of a contract, in Markdown: who owns and who reads it, what is promised of the
 * table, every column with its unit, limits, classification and when it is known, and the expectations.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const Point = Contract.make("point", {
 *   version: "1.0.0", owner: "lab", columns: { x: Column.float({ unit: "mm" }) },
 * });
 * const page: string = Contract.toMarkdown(Point.spec); // "# point 1.0.0\n\n| | |\n…"
 * ```
 */
export const toMarkdown = (spec: ContractSpec): string => {
  const { expectations = [] } = spec;
  return `${[
    `# ${text(spec.name)} ${text(spec.version)}`,
    ...(spec.description === undefined ? [] : [text(spec.description)]),
    table(["", ""], facts(spec)),
    "## Columns",
    table(
      ["column", "type", "unit", "known at", "null", "limits", "classification", "meaning"],
      Object.entries(spec.columns).map(([name, column]) => [
        code(name),
        columnText(column),
        text(column.unit ?? ""),
        column.availableAt,
        column.nullable ? "allowed" : "never",
        limitsText(column).map(code).join("; "),
        column.classification ?? "",
        text(column.description ?? ""),
      ]),
    ),
    ...(expectations.length === 0
      ? []
      : [
          "## Expectations",
          table(
            ["expectation", "what must hold", "if not", "answers"],
            expectations.map((check) => [
              code(check.name),
              text(expectationText(check)),
              check.severity,
              text(check.owner ?? spec.owner),
            ]),
          ),
        ]),
  ].join("\n\n")}\n`;
};

const facts = (spec: ContractSpec): ReadonlyArray<ReadonlyArray<string>> => {
  const { eventTime, knownAt, label, group, key, freshnessMs, minRows, maxRows } = spec;
  const entries: ReadonlyArray<readonly [string, string | undefined]> = [
    ["owner", text(spec.owner)],
    ["consumers", spec.consumers.length === 0 ? "none named" : text(spec.consumers.join(", "))],
    ["a row is one", key === undefined ? undefined : key.map(code).join(", ")],
    ["event time", eventTime === undefined ? undefined : code(eventTime)],
    ["could be read from", knownAt === undefined ? undefined : code(knownAt)],
    ["label", label === undefined ? undefined : code(label)],
    ["group", group === undefined ? undefined : code(group)],
    [
      "freshness",
      freshnessMs === undefined
        ? undefined
        : `newest event at most ${Duration.format(Duration.millis(freshnessMs))} old`,
    ],
    ["rows", rowsText(minRows, maxRows)],
  ];
  return entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
};

const rowsText = (min: number | undefined, max: number | undefined): string | undefined => {
  if (min === undefined) return max === undefined ? undefined : `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
};

const columnText = (column: ColumnSpec): string =>
  column.zone === undefined ? typeText(column) : `${typeText(column)} (read in ${column.zone})`;

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Text on one line that Markdown shows as it is. */
const text = (value: string): string =>
  value.replaceAll(/\s+/g, " ").replaceAll(/[\\`*_{}[\]<>#|~]/g, (mark) => `\\${mark}`);

/** Code on one line; a fence longer than any run of backticks in it. */
const code = (value: string): string => {
  const line = value.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  const runs = [...line.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = "`".repeat(Math.max(0, ...runs) + 1);
  return runs.length === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
};
