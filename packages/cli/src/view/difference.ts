/** What differs between two runs, as text. */
import { Finding, Plan, RunDifference } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { shortDigest } from "./bytes.ts";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { columns, count, duration, plural } from "./text.ts";

/** As one JSON document. */
export const differenceJson = (difference: RunDifference.RunDifference): string =>
  pretty(Schema.encodeSync(RunDifference.RunDifference)(difference));

/** More leaves of one kind than this are only counted. */
const mostLeaves = 12;

/** One line for each thing that differs, by stage; then how long each took. */
export const differenceText = (difference: RunDifference.RunDifference, style: Style): string => {
  const { was, is, same, stages } = difference;
  const pipelines =
    was.pipeline === is.pipeline ? is.pipeline : `${was.pipeline} and ${is.pipeline}`;
  const head = style.bold(`${pipelines}  ${was.id} → ${is.id}`);
  const times = timesText(difference, style);
  if (same) return [head, "", "nothing differs but times", ...times].join("\n");
  return [
    head,
    ...section("Run", leafLines(difference.run, style), style),
    ...section("Charter", leafLines(difference.charter, style), style),
    ...section("Contracts", leafLines(difference.contracts, style), style),
    ...stages.flatMap((stage) => section(stage.stage, stageLines(stage, style), style)),
    ...times,
  ].join("\n");
};

const section = (
  title: string,
  lines: ReadonlyArray<string>,
  style: Style,
): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", style.bold(title), ...lines.map((line) => `  ${line}`)];

const stageLines = (stage: RunDifference.StageDifference, style: Style): ReadonlyArray<string> => {
  const { status, changes, wiring, outputs, exhibits, findings } = stage;
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
    ...leafLines(wiring, style, "input"),
    ...leafLines(outputs, style, "output"),
    ...leafLines(exhibits, style, "figure"),
    ...findings.gone.map((one) => `${style.dim("no longer found:")} ${Finding.toLine(one)}`),
    ...findings.added.map((one) => `${style.yellow("found:")} ${Finding.toLine(one)}`),
  ];
};

const leafLines = (
  leaves: ReadonlyArray<RunDifference.Leaf>,
  style: Style,
  kind = "",
): ReadonlyArray<string> => {
  const visible = leaves.slice(0, mostLeaves).map((leaf) => leafLine(leaf, kind, style));
  const more = leaves.length - visible.length;
  const what = kind === "" ? "differences" : `differences of its ${kind}s`;
  return more > 0
    ? [...visible, style.dim(`and ${count(more)} more ${what}: --json has them all`)]
    : visible;
};

const leafLine = ({ path, was, is }: RunDifference.Leaf, kind: string, style: Style): string => {
  const where = [kind, path.filter((key) => key !== "").join(" › ")];
  const name = where.filter((part) => part !== "").join(" ");
  if (was === undefined) return `${name}: ${style.green("new")} ${valueText(is)}`;
  if (is === undefined) return `${name}: ${style.red("gone")} ${valueText(was)}`;
  return `${name}: ${valueText(was)} → ${valueText(is)}${style.dim(changeText(was, is))}`;
};

const valueText = (value: Schema.Json | undefined): string => {
  if (typeof value === "number") return numberText(value);
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
  return ` (${percent < 0 ? "−" : "+"}${Math.abs(percent).toPrecision(2)} %)`;
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
