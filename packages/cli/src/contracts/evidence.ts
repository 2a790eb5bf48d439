/** What a column of a file looks like, beyond its profile: the form of its text, and whether it is a key. */
import { Duckdb, Profile } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

/** Forms that text is known by; every value must have it. */
const forms: ReadonlyArray<readonly [name: string, pattern: string]> = [
  ["a UUID", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"],
  ["an e-mail address", "[^@\\s]+@[^@\\s]+\\.[^@\\s]+"],
  ["an ISO 8601 date", "\\d{4}-\\d{2}-\\d{2}"],
  ["a web address", "https?://\\S+"],
  ["an IP address", "\\d{1,3}(?:\\.\\d{1,3}){3}"],
  ["a telephone number", "\\+\\d[\\d ()-]{5,18}"],
];

/** The form that all values of a text column have. */
export interface Form {
  /** `an e-mail address`, or `always 3 capital letters`. */
  readonly what: string;
  readonly pattern: string;
}

/** The form of each text column whose values all have one. Two passes over the text columns. */
export const formsOf = Effect.fnUntraced(function* (
  relation: string,
  { columns }: Profile.Profile,
): Effect.fn.Return<ReadonlyMap<string, Form>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const texts = Object.entries(columns).flatMap(([name, { type, present }]) =>
    type === "string" && present > 0 ? [name] : [],
  );
  const found = new Map<string, Form>();
  if (texts.length === 0) return found;
  const asks = texts.flatMap((name, index) => {
    const value = `CAST(${Duckdb.identifier(name)} AS VARCHAR)`;
    const shape = `regexp_replace(regexp_replace(regexp_replace(${value}, '[A-Z]', 'A', 'g'), '[a-z]', 'a', 'g'), '[0-9]', '9', 'g')`;
    return [
      ...forms.map(
        ([, pattern], form) =>
          `bool_and(regexp_full_match(${value}, ${Duckdb.literal(pattern)})) AS f${index}_${form}`,
      ),
      `min(${shape}) = max(${shape}) AS s${index}`,
      `min(${shape}) AS shape${index}`,
    ];
  });
  const [row = {}] = yield* Duckdb.Duckdb.use((db) =>
    db.rows("look at the form of text", `SELECT ${asks.join(", ")} FROM ${relation}`),
  );
  for (const [index, name] of texts.entries()) {
    const known = forms.find((_, form) => row[`f${index}_${form}`] === true);
    const shape = row[`shape${index}`];
    if (known !== undefined) found.set(name, { what: known[0], pattern: known[1] });
    else if (row[`s${index}`] === true && typeof shape === "string") {
      const form = formOfShape(shape);
      if (form !== undefined) found.set(name, form);
    }
  }
  return found;
});

const classes: {
  readonly [letter: string]: readonly [pattern: string, one: string, many: string];
} = {
  A: ["[A-Z]", "capital letter", "capital letters"],
  a: ["[a-z]", "small letter", "small letters"],
  "9": ["\\d", "digit", "digits"],
};

/** `AA-999` is two capital letters, a hyphen and three digits. Free text of one length is no form. */
const formOfShape = (shape: string): Form | undefined => {
  const runs = shape.match(/A+|a+|9+|[^Aa9]+/g) ?? [];
  if (shape === "" || runs.length > 9 || shape.length > 40 || /\s/.test(shape)) return undefined;
  const parts = runs.map((run) => {
    const kind = classes[run[0] ?? ""];
    if (kind === undefined) {
      return { pattern: run.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), words: `"${run}"` };
    }
    const [pattern, one, many] = kind;
    return run.length === 1
      ? { pattern, words: `1 ${one}` }
      : { pattern: `${pattern}{${run.length}}`, words: `${run.length} ${many}` };
  });
  return {
    what: `always ${parts.map(({ words }) => words).join(", ")}`,
    pattern: parts.map(({ pattern }) => pattern.replaceAll("\\-", "-")).join(""),
  };
};

/**
 * Sets of columns, without nulls, of which no two rows have the same values; exact. Single columns, and
 * pairs where there is none.
 */
export const keysOf = Effect.fnUntraced(function* (
  relation: string,
  profile: Profile.Profile,
): Effect.fn.Return<ReadonlyArray<Key>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const columns = Object.entries(profile.columns).flatMap(([name, column]) => {
    const fits = column.type === "int" || column.type === "string" || column.type === "timestamp";
    const distinct = Profile.distinct(column)?.count ?? 0;
    return fits && column.nulls === 0 && distinct > 1 ? [{ name, distinct }] : [];
  });
  const { rows } = profile;
  // Of an estimate, a tenth less may still be all.
  const single = columns.filter(({ distinct }) => distinct >= rows * 0.9).map(({ name }) => [name]);
  const found = yield* differing(relation, single);
  if (found.length > 0) return found;
  const pairs = columns
    .flatMap((one, index) => columns.slice(index + 1).map((other) => [one, other] as const))
    .filter(([one, other]) => one.distinct * other.distinct >= rows)
    .toSorted(([a, b], [c, d]) => a.distinct * b.distinct - c.distinct * d.distinct)
    .slice(0, mostPairs);
  return yield* differing(
    relation,
    pairs.map((pair) => pair.map(({ name }) => name)),
  );
});

/** Columns that together identify a row. */
export type Key = ReadonlyArray<string>;

/** Each is another pass over two columns. */
const mostPairs = 6;

const differing = Effect.fnUntraced(function* (
  relation: string,
  keys: ReadonlyArray<Key>,
): Effect.fn.Return<ReadonlyArray<Key>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  if (keys.length === 0) return [];
  const asks = keys.map(
    (key, index) =>
      `count(DISTINCT (${key.map(Duckdb.identifier).join(", ")})) = count(*) AND count(*) > 1 AS k${index}`,
  );
  const [row = {}] = yield* Duckdb.Duckdb.use((db) =>
    db.rows("look for a key", `SELECT ${asks.join(", ")} FROM ${relation}`),
  );
  return keys.filter((_, index) => row[`k${index}`] === true);
});
