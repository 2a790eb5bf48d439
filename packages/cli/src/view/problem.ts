/** Errors as people read them: where, which stage, what, what to do. */
import { readFileSync } from "node:fs";
import type { Style } from "./Style.ts";
import { indent, shortPath } from "./text.ts";

/** An error in the form in which it is shown. */
export interface Problem {
  /** Kind of error, such as `InputMismatch` or `TS2322`. */
  readonly tag: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly stage?: string;
  readonly constant?: string;
  /** Shown with `--debug` only. */
  readonly stack?: string;
}

/** `pipeline.ts:42  stage "train"  InputMismatch: …`, with the line of source if it is known. */
export const problemText = (problem: Problem, style: Style, debug = false): string => {
  const { file, line, column, stage, constant, tag, message, stack } = problem;
  const [first = "", ...rest] = message.split("\n");
  const where = [
    file === undefined ? "" : shortPath(file),
    line === undefined ? "" : `:${line}`,
    line === undefined || column === undefined ? "" : `:${column}`,
  ].join("");
  const whose = stage === undefined ? (constant ?? "") : `stage "${stage}"`;
  const head = [style.bold(where), whose, `${style.red(tag)}: ${first}`];
  return [
    head.filter((part) => part !== "" && part !== style.bold("")).join("  "),
    ...rest.map((text) => indent(text, "  ")),
    ...sourceLines(problem, style),
    ...(debug && stack !== undefined ? [style.dim(stack)] : []),
  ].join("\n");
};

/** The line of source, and a caret under the column. */
const sourceLines = ({ file, line, column }: Problem, style: Style): ReadonlyArray<string> => {
  if (file === undefined || line === undefined) return [];
  const source = lineOf(file, line);
  if (source === undefined) return [];
  const gutter = `  ${line} │ `;
  const caret =
    column === undefined ? [] : [`${" ".repeat(gutter.length - 2)}│ ${" ".repeat(column - 1)}^`];
  return [`${gutter}${source}`, ...caret].map((text) => style.dim(text));
};

const lineOf = (file: string, line: number): string | undefined => {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    const source = lines[line - 1]?.replaceAll("\t", " ").trimEnd();
    return source === undefined || source.length > 160 ? undefined : source;
  } catch {
    return undefined;
  }
};

const text = (of: object, key: string): string | undefined => {
  const value: unknown = Reflect.get(of, key);
  return typeof value === "string" && value !== "" ? value : undefined;
};

const number = (of: object, key: string): number | undefined => {
  const value: unknown = Reflect.get(of, key);
  return typeof value === "number" ? value : undefined;
};

/** Any error, with the place and stage that it tells. */
export const toProblem = (error: unknown): Problem => {
  if (typeof error !== "object" || error === null) return { tag: "Error", message: String(error) };
  const tag = text(error, "_tag") ?? text(error, "name") ?? "Error";
  // Its fields say which stage and line: no need to say it twice.
  const said = text(error, "problem");
  const next = text(error, "next");
  const message =
    tag === "PipelineInvalid" && said !== undefined
      ? `${said}. ${next ?? ""}`.trim()
      : (text(error, "message") ?? JSON.stringify(error));
  return {
    tag,
    message,
    ...defined("file", text(error, "file")),
    ...defined("line", number(error, "line")),
    ...defined("column", number(error, "column")),
    ...defined("stage", text(error, "stage")),
    ...defined("stack", text(error, "stack")),
  };
};

const defined = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } => {
  const entries: { [P in K]?: A } = {};
  if (value !== undefined) entries[key] = value;
  return entries;
};
