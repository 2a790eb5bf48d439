/** Types in TypeScript's messages, cut down to what a person reads. An editor shows them whole. */

/** Longer than this, a type is shortened. */
const longest = 120;

/** Advice that TypeScript adds wherever the option is on, and that is rarely the matter. */
const advice =
  " with 'exactOptionalPropertyTypes: true'. Consider adding 'undefined' to the types of the target's properties.";

/** A message whose long types have only their outer parts: `Node<…>` for a node of two thousand characters. */
export const shortTypes = (message: string): string =>
  message
    .replaceAll(advice, ".")
    .replaceAll(/'([^'\n]+)'/g, (quoted, type: string) =>
      type.length <= longest ? quoted : `'${shortened(type)}'`,
    );

/** The deepest rendering that is short enough. */
const shortened = (type: string): string => {
  const parts = partsOf(type.replaceAll("readonly ", ""));
  for (const depth of [3, 2, 1]) {
    const text = upTo(depth, parts);
    if (text.length <= longest) return text;
  }
  const text = upTo(0, parts);
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
};

interface Part {
  readonly text: string;
  /** In how many brackets it stands. */
  readonly depth: number;
}

/** Brackets, strings and what is between them. The `>` of an arrow closes nothing. */
const partsOf = (type: string): ReadonlyArray<Part> => {
  let depth = 0;
  return [...type.matchAll(/"(?:[^"\\]|\\.)*"|=>|[<{([]|[>})\]]|[^"<>{}()[\]=]+|[="]/g)].map(
    ([text]) => {
      if (/^[<{([]$/.test(text)) return { text, depth: depth++ };
      return { text, depth: /^[>})\]]$/.test(text) ? --depth : depth };
    },
  );
};

const upTo = (depth: number, parts: ReadonlyArray<Part>): string => {
  let text = "";
  for (const part of parts) {
    if (part.depth <= depth) text += part.text;
    else if (!text.endsWith("…")) text += "…";
  }
  return text;
};
