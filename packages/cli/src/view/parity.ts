/** What a comparison of served features with the batch found, as text. */
import type { Parity } from "@ml-pipe/data";
import type { Style } from "./Style.ts";
import { columns, count, plural } from "./text.ts";

/** The answer, a line for each feature, and the first requests that differ. */
export const parityText = (
  { evidence, features, differences, requests, featureSet }: Parity.ParityReport,
  release: string,
  style: Style,
): ReadonlyArray<string> => {
  const marks = {
    passed: style.green("✓"),
    failed: style.red("✗"),
    inconclusive: style.yellow("?"),
  };
  const title = `${marks[evidence.outcome]} ${style.bold(release)}  ${featureSet}  ${plural(requests, "request")}`;
  const cell = (value: number) => (value === 0 ? style.dim("0") : style.red(count(value)));
  return [
    title,
    "",
    ...columns([
      ["  feature", "equal", "mismatch", "missing", "extra", "SMAPE", "accepted"].map(style.dim),
      ...features.map(({ feature, equal, mismatch, missing, extra, smape, accepted }) => [
        `  ${feature}`,
        count(equal),
        cell(mismatch),
        cell(missing),
        cell(extra),
        smape === null ? "–" : smape.toPrecision(3),
        accepted === null ? "" : `${accepted.atMost * 100} %: ${accepted.cause}`,
      ]),
    ]),
    ...(differences.length === 0
      ? []
      : [
          "",
          ...columns([
            ["  request", "decided at", "feature", "served", "batch"].map(style.dim),
            ...differences.map(({ row, at, feature, served, batch }) => [
              `  ${row}`,
              at ?? "–",
              feature,
              served === null ? "none" : String(served),
              batch === null ? "none" : String(batch),
            ]),
          ]),
        ]),
    "",
    `  ${evidence.outcome}: ${evidence.found}`,
    ...(evidence.next === "" ? [] : [style.dim(`  ${evidence.next}`)]),
  ];
};
