/** What a person gives at a gate beside the decision: `--input JSON`, or `--set key=value`. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** It cannot be read. */
export class InputNotRead extends Schema.TaggedError<InputNotRead>()("InputNotRead", {
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `${this.problem}. ${this.next}`;
  }
}

/**
 * The input as a value; undefined if none is given. `asked` is its JSON Schema: what `--set` gives for a
 * text stays a text, and is JSON otherwise.
 */
export const givenInput = (
  options: {
    readonly input: string | undefined;
    readonly set: { readonly [path: string]: string };
  },
  asked: unknown,
): Effect.Effect<unknown, InputNotRead> => {
  const { input, set } = options;
  const fields = Object.entries(set);
  if (input === undefined) {
    return Effect.succeed(fields.length === 0 ? undefined : objectOf(fields, asked));
  }
  if (fields.length > 0) {
    const problem = "--input and --set both say what the input is";
    return Effect.fail(new InputNotRead({ problem, next: "Use one of them" }));
  }
  return Effect.try({
    try: (): unknown => JSON.parse(input),
    catch: (cause) =>
      new InputNotRead({
        problem: `--input is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
        next: "Quote it for the shell, such as --input '{\"percent\": 5}', or use --set percent=5",
      }),
  });
};

type Json = { readonly [key: string]: unknown };

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `a.b=1` is `{ a: { b: 1 } }`. */
const objectOf = (fields: ReadonlyArray<readonly [string, string]>, asked: unknown): Json => {
  const groups = new Map<string, Array<readonly [string, string]>>();
  const made: Record<string, unknown> = {};
  for (const [path, text] of fields) {
    const [key = "", ...rest] = path.split(".");
    if (rest.length === 0) made[key] = valueOf(text, propertyOf(asked, key));
    else groups.set(key, [...(groups.get(key) ?? []), [rest.join("."), text]]);
  }
  for (const [key, inner] of groups) made[key] = objectOf(inner, propertyOf(asked, key));
  return made;
};

const propertyOf = (schema: unknown, key: string): unknown => {
  const properties = isRecord(schema) ? schema["properties"] : undefined;
  return isRecord(properties) ? properties[key] : undefined;
};

const valueOf = (text: string, schema: unknown): unknown => {
  if (isRecord(schema) && schema["type"] === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
