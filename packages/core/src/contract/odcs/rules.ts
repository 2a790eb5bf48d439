/** Quality rules of ODCS as expectations, or as limits of the column itself. */
import * as Schema from "effect/Schema";
import { CheckSpec } from "../../Check.ts";
import type { ColumnType } from "../../Column.ts";
import type { Severity } from "../../Finding.ts";
import { custom, engine } from "./names.ts";
import {
  customOf,
  jsonOf,
  type Notes,
  note,
  noteOthers,
  number,
  type Part,
  part,
  text,
} from "./reading.ts";

/** What a rule turned out to say. */
export interface Rule {
  readonly checks?: ReadonlyArray<CheckSpec>;
  readonly notNull?: boolean;
  readonly values?: ReadonlyArray<string>;
  readonly pattern?: string;
  readonly minRows?: number;
  readonly maxRows?: number;
}

const isCheck = Schema.is(CheckSpec);
const isTexts = Schema.is(Schema.Array(Schema.String));
const isScalars = Schema.is(
  Schema.Array(Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])),
);

/** Reads a rule of a column, or of the table if there is none. */
export const readRule = (
  notes: Notes,
  from: Part,
  column?: { readonly name: string; readonly type: ColumnType },
): Rule => {
  const own = customOf(notes, from, [custom.check])[custom.check];
  if (isCheck(own)) return { checks: [own] };
  const type = text(notes, from, "type") ?? "library";
  if (type === "custom" && text(notes, from, "engine") === engine) {
    const check = from.fields["implementation"];
    if (isCheck(check)) return { checks: [check] };
  }
  const rule =
    type === "library"
      ? readMetric(notes, from, column)
      : type === "sql"
        ? readQuery(notes, from, column?.name)
        : undefined;
  if (rule === undefined) {
    const why =
      type === "text"
        ? "text for people: write it as an expectation"
        : "ml-pipe has no expectation for it that says the same: write one";
    notes.unmapped.push({ at: from.at, value: jsonOf(from.fields), why });
    return {};
  }
  noteOthers(notes, from, known);
  return rule;
};

const known = [
  "id",
  "name",
  "type",
  "metric",
  "arguments",
  "unit",
  "query",
  "severity",
  "dimension",
  "description",
  "businessImpact",
  "customProperties",
  "mustBe",
  "mustBeBetween",
  "mustBeGreaterOrEqualTo",
  "mustBeGreaterThan",
  "mustBeLessOrEqualTo",
  "mustBeLessThan",
];

const readMetric = (
  notes: Notes,
  from: Part,
  column: { readonly name: string; readonly type: ColumnType } | undefined,
): Rule | undefined => {
  const given = from.fields["arguments"] ?? {};
  const { fields: args } = part(notes, `${from.at}.arguments`, given);
  const named = args["properties"];
  const columns = column === undefined ? (isTexts(named) ? named : []) : [column.name];
  const limits = limitsOf(notes, from, true);
  if (limits === undefined) return undefined;
  const check = (kind: string, checkArgs: CheckSpec["args"], mostly?: number): Rule => ({
    checks: [makeCheck(notes, from, kind, columns, checkArgs, mostly)],
  });
  const isNone = limits.high === 0;
  const isPercent = from.fields["unit"] === "percent";
  /** The share of the rows that must pass, if this many percent may fail. */
  const mostly =
    isPercent && limits.low === undefined && limits.high !== undefined
      ? Number((1 - limits.high / 100).toPrecision(12))
      : undefined;
  /** Whether the rule is of the column as such, so that its own limit says it. */
  const isLimit = isNone && column !== undefined && severityOf(from) === "fail";
  switch (from.fields["metric"]) {
    case "rowCount":
      return isPercent ? undefined : rowsOf(limits);
    case "nullValues":
      if (columns.length !== 1) return undefined;
      if (isLimit) return { notNull: true };
      if (isNone || mostly !== undefined) return check("not-null", {}, isNone ? undefined : mostly);
      return check("null-count", rangeArgs(limits));
    case "duplicateValues":
      if (columns.length === 0) return undefined;
      if (isNone) return check("unique", {});
      return mostly === undefined
        ? undefined
        : check("duplicate-share", { atMost: Number((1 - mostly).toPrecision(12)) });
    case "missingValues": {
      const missing = args["missingValues"];
      const values = Array.isArray(missing) ? missing.filter((one) => one !== null) : undefined;
      if (columns.length !== 1 || !isScalars(values)) return undefined;
      if (!isNone && mostly === undefined) return undefined;
      const rest = isNone ? undefined : mostly;
      const none = Array.isArray(missing) && missing.length > values.length;
      return {
        checks: [
          ...(none && !isLimit ? [makeCheck(notes, from, "not-null", columns, {}, rest)] : []),
          makeCheck(notes, from, "not-in-set", columns, { values }, rest),
        ],
        ...(none && isLimit ? { notNull: true } : {}),
      };
    }
    case "invalidValues": {
      const [values, pattern] = [args["validValues"], args["pattern"]];
      if (columns.length !== 1 || (!isNone && mostly === undefined)) return undefined;
      const rest = isNone ? undefined : mostly;
      if (pattern === undefined && isScalars(values)) {
        return isLimit && column?.type === "string" && isTexts(values)
          ? { values }
          : check("in-set", { values }, rest);
      }
      if (values === undefined && typeof pattern === "string") {
        const whole = wholePattern(pattern);
        return isLimit && column?.type === "string"
          ? { pattern: whole }
          : check("matches", { patterns: [whole] }, rest);
      }
      return undefined;
    }
    default:
      return undefined;
  }
};

const rowsOf = ({ low, high }: Limits): Rule => ({
  ...(low === undefined ? {} : { minRows: Math.ceil(low) }),
  ...(high === undefined ? {} : { maxRows: Math.floor(high) }),
});

/** One figure over the table: `SELECT avg(x) FROM {object} WHERE y`. */
const figure =
  /^\s*SELECT\s+(.+?)\s+FROM\s+\$?\{(?:object|table|model)\}(?:\s+WHERE\s+(.+?))?\s*;?\s*$/is;

const readQuery = (notes: Notes, from: Part, column: string | undefined): Rule | undefined => {
  const query = text(notes, from, "query") ?? "";
  const [, select, where] = figure.exec(query) ?? [];
  if (select === undefined || /\b(?:GROUP|ORDER|LIMIT|HAVING|JOIN|UNION)\b/i.test(query)) {
    return undefined;
  }
  const limits = limitsOf(notes, from, /^count\s*\(/i.test(select));
  if (limits === undefined) return undefined;
  const quoted = `"${column?.replaceAll('"', '""')}"`;
  const filled = (sql: string) => sql.replaceAll(/\$?\{(?:property|column|field)\}/g, () => quoted);
  const check = makeCheck(notes, from, "aggregate", column === undefined ? [] : [column], {
    expression: filled(select),
    ...rangeArgs(limits),
  });
  return { checks: [where === undefined ? check : { ...check, where: filled(where) }] };
};

interface Limits {
  readonly low: number | undefined;
  readonly high: number | undefined;
}

const rangeArgs = ({ low, high }: Limits): CheckSpec["args"] => ({
  ...(low === undefined ? {} : { atLeast: low }),
  ...(high === undefined ? {} : { atMost: high }),
});

/** Both inclusive; undefined if the operator says something else. Of counts, above 3 is 4 and more. */
const limitsOf = (notes: Notes, from: Part, isCount: boolean): Limits | undefined => {
  const { fields } = from;
  const operators = Object.keys(fields).filter((field) => /^must(?:Not)?Be/.test(field));
  const [operator] = operators;
  if (operators.length !== 1 || operator === undefined) return undefined;
  if (operator === "mustBeBetween") {
    const between = fields[operator];
    if (!Schema.is(Schema.Tuple([Schema.Finite, Schema.Finite]))(between)) return undefined;
    const [low, high] = between;
    return { low, high };
  }
  const value = typeof fields[operator] === "number" ? number(notes, from, operator) : undefined;
  if (value === undefined) return undefined;
  const whole = isCount && fields["unit"] !== "percent";
  switch (operator) {
    case "mustBe":
      return { low: value === 0 && isCount ? undefined : value, high: value };
    case "mustBeGreaterOrEqualTo":
      return { low: value, high: undefined };
    case "mustBeLessOrEqualTo":
      return { low: undefined, high: value };
    case "mustBeGreaterThan":
      return whole ? { low: Math.floor(value) + 1, high: undefined } : undefined;
    case "mustBeLessThan":
      return whole
        ? { low: undefined, high: Math.ceil(value) - 1 }
        : fields["unit"] === "percent"
          ? { low: undefined, high: value }
          : undefined;
    default:
      return undefined;
  }
};

const makeCheck = (
  notes: Notes,
  from: Part,
  kind: string,
  columns: ReadonlyArray<string>,
  args: CheckSpec["args"],
  mostly?: number,
): CheckSpec => {
  const description = text(notes, from, "description") ?? text(notes, from, "businessImpact");
  const name =
    text(notes, from, "name") ??
    text(notes, from, "id") ??
    `${columns.join(",") || "table"}.${kind}`;
  if (from.fields["mustBeLessThan"] !== undefined && mostly !== undefined) {
    note(notes, from, "mustBeLessThan", "taken as at most: shares have no next smaller one");
  }
  return {
    kind,
    name,
    columns,
    args,
    ...(mostly === undefined ? {} : { mostly }),
    severity: severityOf(from),
    ...(description === undefined ? {} : { description }),
  };
};

const severityOf = ({ fields: { severity } }: Part): Severity => {
  const word = typeof severity === "string" ? severity.toLowerCase() : "";
  return word.startsWith("warn") ? "warn" : word === "info" ? "info" : "fail";
};

/**
 * A pattern of the standard, which may match anywhere in a value, as one that the whole value matches.
 */
export const wholePattern = (pattern: string): string => {
  const [, ours] = /^\^\(\?:(.*)\)\$$/s.exec(pattern) ?? [];
  if (ours !== undefined && isRegExp(ours)) return ours;
  const [, anchored] = /^\^(.*[^\\])\$$/s.exec(pattern) ?? [];
  if (anchored !== undefined && !anchored.includes("|")) return anchored;
  return `[\\s\\S]*(?:${pattern})[\\s\\S]*`;
};

const isRegExp = (pattern: string): boolean => {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").source !== "";
  } catch {
    return false;
  }
};
