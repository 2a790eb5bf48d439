/**
 * Columns of a contract: a type, what it means, when it is known, and which values are allowed.
 *
 * One column definition is the compile-time type of a field, its run-time validator for a request,
 * its check in a batch, and its entry in the documentation.
 */
import * as Schema from "effect/Schema";
import { expectedInstant, instantExists, instantPattern } from "./internal/instant.ts";
import { isZone } from "./internal/zone.ts";

/**
 * When a column's value is known, relative to the decision the pipeline serves:
 * `"decision"` at or before it, `"outcome"` only after it. A feature that depends on an `"outcome"`
 * column does not compile.
 */
export const Availability = Schema.Literals(["decision", "outcome"]);
/** See {@link Availability}. */
export type Availability = typeof Availability.Type;

/** The types of one value. `timestamp` is an instant; text forms are ISO 8601 with a zone. */
export const ScalarType = Schema.Literals(["boolean", "int", "float", "string", "timestamp"]);
/** See {@link ScalarType}. */
export type ScalarType = typeof ScalarType.Type;

/**
 * The logical type of a column: of one value, or of several. An `embedding` is a list of doubles of one
 * size, none of them missing.
 */
export const ColumnType = Schema.Literals([...ScalarType.literals, "list", "struct", "embedding"]);
/** See {@link ColumnType}. */
export type ColumnType = typeof ColumnType.Type;

/** Whether a type is of one value. */
export const isScalar: (type: ColumnType) => type is ScalarType = Schema.is(ScalarType);

/**
 * Who may see a column's values, as its owner classifies them. `personal`: data about an identifiable
 * person. Unclassified is not public: it means that nobody has said so.
 */
export const Classification = Schema.Literals(["public", "internal", "confidential", "personal"]);
/** See {@link Classification}. */
export type Classification = typeof Classification.Type;

const Flat = Schema.Struct({
  type: ColumnType,
  availableAt: Availability,
  nullable: Schema.Boolean,
  description: Schema.optionalKey(Schema.String),
  classification: Schema.optionalKey(Classification),
  /** Unit of a numeric column, such as `min` or `mi`. */
  unit: Schema.optionalKey(Schema.String),
  /** Smallest allowed value, inclusive. */
  min: Schema.optionalKey(Schema.Finite),
  /** Largest allowed value, inclusive. */
  max: Schema.optionalKey(Schema.Finite),
  /** The allowed values of a string column. */
  values: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Regular expression that a string column must match in full. */
  pattern: Schema.optionalKey(Schema.String),
  /**
   * IANA time zone in which a source's text or local time without a zone is read, such as
   * `America/New_York`. Default: UTC. Instants in JSON always carry their zone.
   */
  zone: Schema.optionalKey(Schema.String),
  /** What the column was called in the contract's version before, for those who compare the two. */
  renamedFrom: Schema.optionalKey(Schema.String),
});

/** What a list holds, or a field of a struct: one value. */
export const PartSpec = Schema.Struct({ ...Flat.fields, type: ScalarType });
/** See {@link PartSpec}. */
export type PartSpec = typeof PartSpec.Type;

/** A column as data: what is stored with a release, digested, shown and documented. */
export const ColumnSpec = Schema.Struct({
  ...Flat.fields,
  /** What a list holds. */
  items: Schema.optionalKey(PartSpec),
  /** The fields of a struct. */
  fields: Schema.optionalKey(Schema.Record(Schema.String, PartSpec)),
  /** How many numbers an embedding has. */
  size: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
});
/** See {@link ColumnSpec}. */
export type ColumnSpec = typeof ColumnSpec.Type;

/**
 * A column of JavaScript type `T`, known at `A`.
 *
 * @typeParam T - the value in a row: `boolean`, `number`, `string`, `Date`, a list or a record of them,
 *   or with `null`
 * @typeParam A - `"decision"` or `"outcome"`
 */
export interface Column<out T, out A extends Availability = Availability> {
  readonly spec: ColumnSpec & { readonly availableAt: A };
  /** Decodes the column's value from JSON; reports what was expected in words. */
  readonly schema: Schema.ConstraintCodec<T, unknown>;
}

interface Options<A extends Availability, N extends boolean> {
  readonly description?: string;
  /** Who may see the values. Default: not classified. */
  readonly classification?: Classification;
  /** What the column was called before, so that its rename is told from a removal. */
  readonly renamedFrom?: string;
  /** Default `"decision"`. */
  readonly availableAt?: A;
  /** Default `false`. */
  readonly nullable?: N;
}

interface NumberOptions<A extends Availability, N extends boolean> extends Options<A, N> {
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
}

interface StringOptions<A extends Availability, N extends boolean> extends Options<A, N> {
  readonly values?: ReadonlyArray<string>;
  /** A regular expression in the RE2 subset; the whole value must match. */
  readonly pattern?: string;
}

interface TimestampOptions<A extends Availability, N extends boolean> extends Options<A, N> {
  /** IANA time zone in which a source's times without a zone are read. Default: UTC. */
  readonly zone?: string;
}

/** What a column of several values is made of. */
type Parts = Pick<ColumnSpec, "items" | "fields" | "size">;

type Nullable<T, N extends boolean> = N extends true ? T | null : T;

const defaultAvailability: Availability = "decision";

const make = <T, A extends Availability, N extends boolean>(
  type: ColumnType,
  options: NumberOptions<A, N> & StringOptions<A, N> & TimestampOptions<A, N> & Parts,
  schema: Schema.Codec<T, unknown>,
): Column<Nullable<T, N>, A> => {
  const spec: ColumnSpec = {
    ...options,
    type,
    availableAt: options.availableAt ?? defaultAvailability,
    nullable: options.nullable ?? false,
  };
  const column: Column<T | null> = {
    spec,
    schema: spec.nullable ? Schema.NullOr(schema) : schema,
  };
  // `N` and `A` are only visible to the compiler through the options that produced `spec` above.
  return column as Column<Nullable<T, N>, A>;
};

const range = (options: { readonly min?: number; readonly max?: number }) => [
  ...(options.min === undefined ? [] : [Schema.isGreaterThanOrEqualTo(options.min)]),
  ...(options.max === undefined ? [] : [Schema.isLessThanOrEqualTo(options.max)]),
];

const withChecks = <S extends Schema.Codec<number, unknown>>(
  schema: S,
  options: { readonly min?: number; readonly max?: number },
): Schema.Codec<number, unknown> => {
  const [first, ...rest] = range(options);
  return first === undefined ? schema : schema.check(first, ...rest);
};

/**
 * A whole number in ±(2^53 − 1).
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const delay = Column.int({ unit: "min", availableAt: "outcome", min: -1440, max: 2880 });
 * ```
 */
export const int = <A extends Availability = "decision", N extends boolean = false>(
  options: NumberOptions<A, N> = {},
): Column<Nullable<number, N>, NoInfer<A>> => make("int", options, withChecks(Schema.Int, options));

/**
 * A finite double. NaN and ±Infinity are not values: they are findings.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const distance = Column.float({ unit: "mi", min: 0 });
 * ```
 */
export const float = <A extends Availability = "decision", N extends boolean = false>(
  options: NumberOptions<A, N> = {},
): Column<Nullable<number, N>, NoInfer<A>> =>
  make("float", options, withChecks(Schema.Finite, options));

/**
 * Text, optionally from a set of values or of a pattern. Throws a `SyntaxError` if the pattern is no
 * regular expression.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const airport = Column.string({ pattern: "[A-Z]{3}" });
 * const cabin = Column.string({ values: ["economy", "business"], nullable: true });
 * ```
 */
export const string = <A extends Availability = "decision", N extends boolean = false>(
  options: StringOptions<A, N> = {},
): Column<Nullable<string, N>, NoInfer<A>> => {
  const base: Schema.Codec<string, unknown> =
    options.values === undefined ? Schema.String : Schema.Literals(options.values);
  const schema =
    options.pattern === undefined
      ? base
      : base.check(Schema.isPattern(new RegExp(`^(?:${options.pattern})$`, "u")));
  return make("string", options, schema);
};

/**
 * `true` or `false`.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const cancelled = Column.boolean({ availableAt: "outcome" });
 * ```
 */
export const boolean = <A extends Availability = "decision", N extends boolean = false>(
  options: Options<A, N> = {},
): Column<Nullable<boolean, N>, NoInfer<A>> => make("boolean", options, Schema.Boolean);

const instant: Schema.Codec<Date, string> = Schema.String.check(
  Schema.isPattern(instantPattern, { expected: expectedInstant }).abort(),
  Schema.makeFilter((text) => instantExists(text) || "expected an instant that exists"),
).pipe(Schema.decodeTo(Schema.DateFromString));

/**
 * An instant. In JSON: ISO 8601 text with a zone (`2001-06-01T10:15:00Z`); in a row: a `Date`
 * (millisecond resolution). Text without a zone is refused, because its meaning depends on where it
 * is read. Throws a `TypeError` if `zone` is no IANA time zone.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const departedAt = Column.timestamp({ description: "actual departure", zone: "America/New_York" });
 * ```
 */
export const timestamp = <A extends Availability = "decision", N extends boolean = false>(
  options: TimestampOptions<A, N> = {},
): Column<Nullable<Date, N>, NoInfer<A>> => {
  if (options.zone !== undefined) requireZone(options.zone);
  return make("timestamp", options, instant);
};

const requireZone = (zone: string): void => {
  if (isZone(zone)) return;
  throw new TypeError(
    `"${zone}" is no time zone: name one of the IANA database, such as America/New_York`,
  );
};

/** One value: what lists and structs hold. */
type OneValue = boolean | number | string | Date | null;

/**
 * A list of values of one type, each of which may be null if `of` is nullable.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const tags = Column.list(Column.string(), { description: "as the seller wrote them" });
 * ```
 */
export const list = <
  T extends OneValue,
  A extends Availability = "decision",
  N extends boolean = false,
>(
  of: Column<T, "decision">,
  options: Options<A, N> = {},
): Column<Nullable<ReadonlyArray<T>, N>, NoInfer<A>> =>
  make("list", { ...options, items: partOf(of) }, Schema.Array(codecOf(of)));

/** The values of a struct's columns, by name. */
type Fields<F> = { readonly [K in keyof F]: F[K] extends Column<infer T> ? T : never };

/**
 * A record of named columns.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const address = Column.struct({ city: Column.string(), floor: Column.int({ nullable: true }) });
 * ```
 */
export const struct = <
  const F extends { readonly [name: string]: Column<OneValue, "decision"> },
  A extends Availability = "decision",
  N extends boolean = false,
>(
  fields: F,
  options: Options<A, N> = {},
): Column<Nullable<Fields<F>, N>, NoInfer<A>> => {
  const columns = Object.entries<Column<OneValue, "decision">>(fields);
  const specs = Object.fromEntries(columns.map(([name, column]) => [name, partOf(column)]));
  const row = Schema.Struct(Object.fromEntries(columns.map(([name, one]) => [name, codecOf(one)])));
  // The struct was put together from the same parts as the type.
  const schema = row as Schema.Codec<unknown, unknown> as Schema.Codec<Fields<F>, unknown>;
  return make("struct", { ...options, fields: specs }, schema);
};

/**
 * A vector of `size` finite numbers, such as the output of a text encoder. Stored as 32-bit or 64-bit
 * floats, it is read as doubles.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const text = Column.embedding(384, { description: "all-MiniLM-L6-v2 of the title" });
 * ```
 */
export const embedding = <A extends Availability = "decision", N extends boolean = false>(
  size: number,
  options: Options<A, N> = {},
): Column<Nullable<ReadonlyArray<number>, N>, NoInfer<A>> => {
  if (!Number.isInteger(size) || size < 1) {
    throw new TypeError(`an embedding has a whole number of numbers, at least one: not ${size}`);
  }
  const schema = Schema.Array(Schema.Finite).check(
    Schema.isMinLength(size, { expected: `${size} numbers` }),
    Schema.isMaxLength(size, { expected: `${size} numbers` }),
  );
  return make("embedding", { ...options, size }, schema);
};

/** A column's schema takes no services. */
const codecOf = <T>({ schema }: Column<T>): Schema.Codec<T, unknown> =>
  schema as Schema.Codec<T, unknown>;

/**
 * The column that a stored specification describes: the inverse of reading `column.spec`. Used when
 * a release is loaded without the program that defined its contracts.
 *
 * @example
 * ```ts
 * import { Column } from "@ml-pipe/core";
 *
 * const delay = Column.int({ unit: "min" });
 * const again = Column.fromSpec(delay.spec); // decodes as delay does
 * ```
 */
export const fromSpec = (spec: ColumnSpec): Column<unknown> => {
  switch (spec.type) {
    case "boolean":
      return boolean(spec);
    case "int":
      return int(spec);
    case "float":
      return float(spec);
    case "string":
      return string(spec);
    case "timestamp":
      return timestamp(spec);
    case "list":
      return list(partColumn(spec.items), spec);
    case "struct": {
      const fields = Object.entries(spec.fields ?? {});
      return struct(Object.fromEntries(fields.map(([name, one]) => [name, partColumn(one)])), spec);
    }
    case "embedding":
      return embedding(spec.size ?? 0, spec);
  }
};

/** The column of a part. A list that does not say what it holds was refused before. */
const partColumn = (spec: PartSpec | undefined): Column<OneValue, "decision"> =>
  // A part has a type of one value.
  fromSpec(spec ?? string().spec) as Column<OneValue, "decision">;

/** A column as a part. What holds several values itself does not compile, and is refused where it was cast. */
const partOf = ({ spec }: Column<OneValue>): PartSpec => {
  const { type } = spec;
  if (isScalar(type)) return { ...spec, type };
  throw new TypeError(`lists and structs hold single values, and this is ${type}`);
};
