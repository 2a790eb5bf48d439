/** The holdout ledger as text and as data. */
import { Holdout } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { shortDigest } from "./bytes.ts";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { columns, count, instant, plural } from "./text.ts";

/** As one JSON document. */
export const looksJson = (looks: ReadonlyArray<Holdout.Look>): string =>
  pretty(Schema.encodeSync(Schema.Array(Holdout.Look))(looks));

/** The looks at each test set, the oldest first. */
export const looksText = (looks: ReadonlyArray<Holdout.Look>, style: Style): string => {
  if (looks.length === 0) return "no test set has been looked at yet";
  return [...Map.groupBy(looks, ({ testSet }) => testSet)]
    .flatMap(([testSet, own]) => {
      const counted = own.filter(({ outcome }) => outcome !== "nothing-seen");
      const models = new Set(counted.map(({ model }) => model)).size;
      const rows = count(own[0]?.rows ?? 0);
      return [
        `${style.bold(`test set ${shortDigest(testSet)}`)}  ${rows} rows, ${plural(models, "model")}`,
        ...columns(own.map((look) => lookLine(look, style))).map((line) => `  ${line}`),
      ];
    })
    .join("\n");
};

const lookLine = (look: Holdout.Look, style: Style): ReadonlyArray<string> => {
  const { number, at, model, outcome, level, run, pipeline, by, justification } = look;
  const where = [pipeline, run === undefined ? undefined : `run ${run}`, by]
    .filter((part) => part !== undefined)
    .join(", ");
  return [
    `${number}`,
    instant(at),
    `model ${shortDigest(model)}`,
    outcome.replace("-", " "),
    `${Number((level * 100).toPrecision(4))} %`,
    style.dim(where),
    justification === undefined ? "" : `"${justification}"`,
  ];
};
