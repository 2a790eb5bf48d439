/** A chain of evidence as text. */
import { Provenance } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { shortDigest } from "./bytes.ts";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { cut, plural } from "./text.ts";

/** As one JSON document. */
export const provenanceJson = (found: Provenance.Provenance): string =>
  pretty(Schema.encodeSync(Provenance.Provenance)(found));

const marks = {
  intact: ["✓", "green"],
  broken: ["✗", "red"],
  missing: ["?", "yellow"],
} as const;

/** Longer facts are cut: `--json` has them whole. */
const factColumns = 160;

/** Each link with its facts; at the end, what is wrong. */
export const provenanceText = (
  { about, links, intact }: Provenance.Provenance,
  style: Style,
): string => {
  const bad = links.filter(({ state }) => state !== "intact");
  return [
    style.bold(about),
    ...links.flatMap(({ kind, name, state, digest, facts, problem }) => {
      const [mark, colour] = marks[state];
      const shown = digest === undefined ? "" : `  ${style.dim(shortDigest(digest))}`;
      return [
        `${style[colour](mark)} ${kind} ${style.bold(name)}${shown}`,
        ...(problem === undefined ? [] : [`    ${style[colour](`${state}: ${problem}`)}`]),
        ...facts.map((fact) => `    ${style.dim(cut(fact, factColumns))}`),
      ];
    }),
    "",
    intact
      ? style.green(`all ${plural(links.length, "link")} of the chain are intact`)
      : style.red(
          `${bad.length} of ${plural(links.length, "link")} are not intact: ${bad
            .map(({ kind, name, state }) => `${kind} ${name} (${state})`)
            .join(", ")}`,
        ),
  ].join("\n");
};
