/** Reads parts of a document of which nothing is known, and notes what was not taken. */
import * as Schema from "effect/Schema";

/** A part of a document that a contract does not have, or has in another form. */
export const Unmapped = Schema.Struct({
  /** Where in the document: `schema[0].properties[2].tags`. */
  at: Schema.String,
  value: Schema.Json,
  /** Why, and what became of it. */
  why: Schema.String,
});
/** See {@link Unmapped}. */
export type Unmapped = typeof Unmapped.Type;

/** What was noted while reading. */
export interface Notes {
  readonly unmapped: Array<Unmapped>;
  /** What makes the document none that can be read. */
  readonly problems: Array<string>;
}

/** An object of the document, and where it is. */
export interface Part {
  readonly at: string;
  readonly fields: { readonly [field: string]: unknown };
}

const isRecord = Schema.is(Schema.Record(Schema.String, Schema.Unknown));

/** A value as an object; notes a problem if it is something else. */
export const part = (notes: Notes, at: string, value: unknown): Part => {
  if (isRecord(value) && !Array.isArray(value)) return { at, fields: value };
  notes.problems.push(`${at === "" ? "the document" : at}: expected an object`);
  return { at, fields: {} };
};

/** The objects of a list; none if it is absent. */
export const parts = (notes: Notes, { at, fields }: Part, field: string): ReadonlyArray<Part> => {
  const value = fields[field];
  if (isAbsent(value)) return [];
  if (Array.isArray(value)) {
    return value.map((one, index) =>
      part(notes, `${at}${at === "" ? "" : "."}${field}[${index}]`, one),
    );
  }
  notes.problems.push(`${pathOf(at, field)}: expected a list`);
  return [];
};

/** A field of a kind; notes a problem if it is of another one. */
const typed =
  <A>(is: (value: unknown) => value is A, expected: string) =>
  (notes: Notes, { at, fields }: Part, field: string): A | undefined => {
    const value = fields[field];
    if (isAbsent(value)) return undefined;
    if (is(value)) return value;
    notes.problems.push(`${pathOf(at, field)}: expected ${expected}`);
    return undefined;
  };

export const text = typed(Schema.is(Schema.String), "text");
export const number = typed(Schema.is(Schema.Finite), "a number");
export const flag = typed(Schema.is(Schema.Boolean), "true or false");

/** YAML writes an empty field as null. */
const isAbsent = (value: unknown): value is undefined | null =>
  value === undefined || value === null;

export const pathOf = (at: string, field: string): string => (at === "" ? field : `${at}.${field}`);

/** Notes that a field is not taken, or not as it is. */
export const note = (notes: Notes, { at, fields }: Part, field: string, why: string): void => {
  const value = fields[field];
  notes.unmapped.push({
    at: pathOf(at, field),
    value: jsonOf(value),
    why,
  });
};

/** What is no JSON was in no document, only in a program. */
export const jsonOf = (value: unknown): Schema.Json => (isJson(value) ? value : null);
const isJson = Schema.is(Schema.Json);

/** Notes every field that nobody asked for, unless it is empty. */
export const noteOthers = (notes: Notes, from: Part, known: ReadonlyArray<string>): void => {
  for (const [field, value] of Object.entries(from.fields)) {
    if (known.includes(field) || isEmpty(value)) continue;
    note(notes, from, field, "a contract of ml-pipe has no such field");
  }
};

const isEmpty = (value: unknown): boolean =>
  isAbsent(value) ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (isRecord(value) && Object.keys(value).length === 0);

/** The custom properties of a part that are known; notes the others. */
export const customOf = (
  notes: Notes,
  from: Part,
  known: ReadonlyArray<string>,
): { readonly [property: string]: unknown } => {
  const found: Record<string, unknown> = {};
  for (const entry of parts(notes, from, "customProperties")) {
    const property = text(notes, entry, "property") ?? "";
    if (known.includes(property)) found[property] = entry.fields["value"];
    else note(notes, entry, "value", `a contract of ml-pipe has no property "${property}"`);
  }
  return found;
};
