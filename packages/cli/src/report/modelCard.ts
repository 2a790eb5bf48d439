/** The model card of a run as Markdown: the Hub's metadata in YAML on top, then text for people. */
import type { ModelCard } from "@ml-pipe/ml-pipe";
import type * as Schema from "effect/Schema";
import { plain } from "./infoSheet.ts";
import { instant } from "./words.ts";

/** As a README.md of a model repository. */
export const cardMarkdown = (card: ModelCard.ModelCard): string =>
  [
    `---\n${yaml(card.huggingFace)}\n---`,
    `# ${plain(card.pipeline)}`,
    `Run ${plain(card.run)}, started ${instant(card.startedAt)}. Made from the record of the run, and from nothing else; what it cannot know is listed last, for a person.`,
    ...card.sections.flatMap(({ title, lines, table }) => [
      `## ${plain(title)}`,
      lines.map((line) => `- ${plain(line)}`).join("\n"),
      ...(table === undefined ? [] : [tableOf([table.columns, ...table.rows])]),
    ]),
    "## For a person to complete",
    card.forPerson.map(({ field, why }) => `- **${plain(field)}**: ${plain(why)}`).join("\n"),
    "",
  ].join("\n\n");

const tableOf = ([head = [], ...rows]: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows]
    .map((cells, index) => `| ${cells.map(index === 1 ? String : plain).join(" | ")} |`)
    .join("\n");

/**
 * Plain data as YAML in block style. Texts are quoted as in JSON, which YAML 1.2 reads the same, so that no
 * text becomes a date, a number or an anchor.
 */
export const yaml = (value: Schema.Json, indent = ""): string => {
  if (!isBlock(value)) return JSON.stringify(value);
  const inner = `${indent}  `;
  // An item begins on the line of its dash.
  if (Array.isArray(value)) {
    return value.map((one) => `${indent}- ${yaml(one, inner).trimStart()}`).join("\n");
  }
  return Object.entries(value)
    .map(([key, one]) => `${indent}${key}:${isBlock(one) ? "\n" : " "}${yaml(one, inner)}`)
    .join("\n");
};

/** Whether a value takes lines of its own. */
const isBlock = (value: Schema.Json): value is Schema.JsonObject | Schema.JsonArray =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0;
