/** What differs between two executions of a stage, for people. */
import type { Change } from "../Plan.ts";
import type { Ingredients } from "../Run.ts";

/** Everything that is not the same; nothing if the cache keys are equal. */
export const changesBetween = (was: Ingredients, is: Ingredients): ReadonlyArray<Change> => [
  ...differences("code", was.code, is.code),
  ...differences("parameter", { params: was.params }, { params: is.params }),
  ...differences("contract", was.contracts, is.contracts),
  ...differences("charter", { charter: was.charter }, { charter: is.charter }),
  ...differences("environment", was.environment, is.environment),
  ...differences("reads", { reads: was.reads }, { reads: is.reads }),
  ...differences("input", was.inputs, is.inputs),
];

type Json = { readonly [key: string]: unknown };

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Compares JSON to the leaves; a path names each. */
const differences = (
  kind: Change["kind"],
  was: Json,
  is: Json,
  path = "",
): ReadonlyArray<Change> => {
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return keys.flatMap((key): ReadonlyArray<Change> => {
    const [before, after] = [was[key], is[key]];
    const roots = kind === "parameter" || kind === "reads";
    const what = path !== "" ? `${path}.${key}` : roots && key === kindRoot[kind] ? "" : key;
    if (isRecord(before) && isRecord(after)) return differences(kind, before, after, what);
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    return [
      {
        kind,
        what,
        ...(before === undefined ? {} : { was: short(before) }),
        ...(after === undefined ? {} : { is: short(after) }),
      },
    ];
  });
};

const kindRoot = { parameter: "params", reads: "reads" } as const;

/** Digests are cut: nobody reads 64 digits. */
const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  if (/^sha256-[0-9a-f]{64}$/.test(text)) return text.slice(0, 15);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

/** `pipeline.ts changed; parameter maxTrees: 50 → 100`. */
export const changesText = (changes: ReadonlyArray<Change>): string => {
  const shown = changes.slice(0, 3).map(changeText);
  const more = changes.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
};

/**
 * One change in words: `parameter maxTrees: 50 → 100`.
 *
 * @example
 * ```ts
 * import { Plan } from "@ml-pipe/core";
 *
 * const words = Plan.changeText({ kind: "parameter", what: "maxTrees", was: "50", is: "100" });
 * ```
 */
export const changeText = ({ kind, what, was, is }: Change): string => {
  const subject = [noun[kind], what].filter((part) => part !== "").join(" ");
  if (was === undefined) return `${subject} is new`;
  if (is === undefined) return `${subject} is gone`;
  const digests = [was, is].some((text) => text.startsWith("sha256-"));
  return digests || kind === "code" ? `${subject} changed` : `${subject}: ${was} → ${is}`;
};

const noun: Record<Change["kind"], string> = {
  code: "code of",
  parameter: "parameter",
  contract: "contract of",
  charter: "the",
  environment: "environment variable",
  reads: "what it reads:",
  input: "input",
};
