/** What differs between two runs, as text. */
import { Finding, Plan, RunDifference } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { shortDigest } from "./bytes.ts";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { columns, count, duration, plural } from "./text.ts";

/** As one JSON document, with the comparison of the models if there is one. */
export const differenceJson = (
  difference: RunDifference.RunDifference,
  models?: Schema.Json,
): string => {
  const encoded = Schema.encodeSync(RunDifference.RunDifference)(difference);
  return pretty(models === undefined ? encoded : { ...encoded, models });
};

/** More lines of one kind than this are only counted. */
const mostLeaves = 12;

interface View {
  readonly style: Style;
  /** What has been shown, by its last name. */
  readonly shown: Set<string>;
}

/**
 * Which model is better, if two were judged; one line for each thing that differs, by stage; then how long
 * each took.
 */
export const differenceText = (
  difference: RunDifference.RunDifference,
  style: Style,
  models: ReadonlyArray<string> = [],
): string => {
  const { was, is, same, stages } = difference;
  const pipelines =
    was.pipeline === is.pipeline ? is.pipeline : `${was.pipeline} and ${is.pipeline}`;
  const head = style.bold(`${pipelines}  ${was.id} → ${is.id}`);
  const times = timesText(difference, style);
  const view: View = { style, shown: new Set() };
  if (same) return [head, "", "nothing differs but times", ...times].join("\n");
  return [
    head,
    ...section("Models", models, style),
    ...section("Run", leafLines(difference.run, view), style),
    ...section("Charter", leafLines(difference.charter, view), style),
    ...section("Contracts", leafLines(difference.contracts, view), style),
    ...stages.flatMap((stage) => section(stage.stage, stageLines(stage, view), style)),
    ...times,
  ].join("\n");
};

const section = (
  title: string,
  lines: ReadonlyArray<string>,
  style: Style,
): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", style.bold(title), ...lines.map((line) => `  ${line}`)];

const stageLines = (stage: RunDifference.StageDifference, view: View): ReadonlyArray<string> => {
  const { status, changes, wiring, outputs, exhibits, findings } = stage;
  const { style } = view;
  if (RunDifference.isSame(stage)) return [];
  const statuses =
    status.was === status.is
      ? []
      : status.was === undefined
        ? [style.green("new")]
        : status.is === undefined
          ? [style.red("gone")]
          : [`status: ${status.was} → ${status.is}`];
  return [
    ...statuses,
    ...changes.map(Plan.changeText),
    ...leafLines(wiring, view, "input"),
    ...leafLines(outputs, view, "output"),
    ...leafLines(exhibits, view, "figure"),
    ...findings.gone.map((one) => `${style.dim("no longer found:")} ${Finding.toLine(one)}`),
    ...findings.added.map((one) => `${style.yellow("found:")} ${Finding.toLine(one)}`),
  ];
};

/** Points of a line and days of a series are many: they are counted, not listed. */
const isPoint = (key: string): boolean =>
  /^-?\d+(\.\d+)?(e[-+]?\d+)?$|^\d{4}-\d{2}-\d{2}/.test(key);

/**
 * One line for each, but for what an earlier stage has shown already: values are handed on, and with
 * them their differences.
 */
const leafLines = (
  leaves: ReadonlyArray<RunDifference.Leaf>,
  { style, shown }: View,
  kind = "",
): ReadonlyArray<string> => {
  const lines: Array<string> = [];
  const counts = new Map<string, number>();
  let again = 0;
  for (const leaf of leaves) {
    const point = leaf.path.findIndex((key, index) => index > 0 && isPoint(key));
    const place = (point === -1 ? leaf.path : leaf.path.slice(0, point)).filter(
      (key) => key !== "",
    );
    const name = [kind, place.join(" › ")].filter((part) => part !== "").join(" ");
    if (point !== -1) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      continue;
    }
    const text = leafText(leaf, style);
    const key = `${place.at(-1) ?? ""} ${text}`;
    if (shown.has(key)) again++;
    else lines.push(`${name}: ${text}`);
    shown.add(key);
  }
  for (const [name, many] of counts) lines.push(`${name}: ${plural(many, "value")} differ`);
  const visible = lines.slice(0, mostLeaves);
  const more = lines.length - visible.length;
  return [
    ...visible,
    ...(more > 0 ? [style.dim(`and ${plural(more, "difference")} more: --json has them all`)] : []),
    ...(again > 0 ? [style.dim(`and ${count(again)} as above`)] : []),
  ];
};

const leafText = ({ was, is }: RunDifference.Leaf, style: Style): string => {
  if (was === undefined) return `${style.green("new")} ${valueText(is)}`.trimEnd();
  if (is === undefined) return `${style.red("gone")} ${valueText(was)}`.trimEnd();
  return `${valueText(was)} → ${valueText(is)}${style.dim(changeText(was, is))}`;
};

/** A whole object that came or went is named, not written out. */
const valueText = (value: Schema.Json | undefined): string => {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return "";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  if (/^sha256-[0-9a-f]{64}$/.test(text)) return shortDigest(text);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
};

const numberText = (value: number): string =>
  Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(6)));

/** ` (+4.2 %)`, where that says something. */
const changeText = (was: Schema.Json, is: Schema.Json): string => {
  if (typeof was !== "number" || typeof is !== "number" || was === 0) return "";
  const percent = (100 * (is - was)) / Math.abs(was);
  return ` (${percent < 0 ? "−" : "+"}${Number(Math.abs(percent).toPrecision(2))} %)`;
};

const timesText = (
  { was, is, stages }: RunDifference.RunDifference,
  style: Style,
): ReadonlyArray<string> => {
  const time = (ms: number | undefined) => (ms === undefined ? "—" : duration(ms));
  const whole = (run: typeof was) =>
    run.endedAt === undefined ? undefined : run.endedAt.getTime() - run.startedAt.getTime();
  const how = (status: string | undefined) =>
    status === undefined || status === "succeeded" ? "" : ` ${status}`;
  const rows = stages.map(({ stage, durationMs, status }) => [
    `  ${stage}`,
    `${time(durationMs.was)}${how(status.was)}`,
    `→ ${time(durationMs.is)}${how(status.is)}`,
  ]);
  const total = [`  ${plural(stages.length, "stage")}`, time(whole(was)), `→ ${time(whole(is))}`];
  return ["", style.bold("Times"), ...columns([...rows, total].map((row) => row.map(style.dim)))];
};
