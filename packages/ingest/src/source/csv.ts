/** CSV and its relatives: delimited text of any dialect, encoding and packing. */
import { CsvRecords, type Dialect } from "../internal/csvRecords.ts";
import { type Fact, fieldsPart, type Part, rejectsOf, textColumns } from "../internal/delivery.ts";
import { mustBeText, readText, spooled } from "../internal/readText.ts";
import { labelOf, peek, textBytes } from "../internal/textBytes.ts";
import type { Notation } from "../internal/values.ts";
import type { Located, Where } from "../Location.ts";
import type { Source } from "../Source.ts";
import { filesSource, type FileOptions, type FormatError } from "./files.ts";

/** How a CSV file is written. What is not declared is the default, or found out as stated. */
export interface CsvOptions extends FileOptions, Notation {
  /**
   * One ASCII character. If it is not declared, that of comma, semicolon, tab and `|` is taken with
   * which the header has the most columns of the contract.
   */
  readonly delimiter?: string;
  /** Default `"`; the empty text if there are no quotes. */
  readonly quote?: string;
  /** What makes a quote inside quotes literal. Default: the quote, doubled; or a backslash. */
  readonly escape?: string;
  /** The names of the columns, if the file has no header. */
  readonly header?: ReadonlyArray<string>;
  /** Lines before the header that are no data. Default 0. */
  readonly skipLines?: number;
  /** Lines that begin with this character are no data. Default: none. */
  readonly comment?: string;
  /** Texts that mean null. Default: an empty field. */
  readonly nulls?: ReadonlyArray<string>;
  /** Whether a quoted field can be null too, as in files that quote everything. Default `false`. */
  readonly quotedNulls?: boolean;
  /** Whether spaces around a field belong to the layout. Default `false`: they are part of the value. */
  readonly trim?: boolean;
  /**
   * Any encoding of the WHATWG standard, such as `utf-8` (the default), `windows-1252`, `utf-16le`. A
   * byte order mark at the beginning of the file is believed.
   */
  readonly encoding?: string;
}

/**
 * Delimited text. Gzip and Zstandard are unpacked, by what the file begins with. Every record is
 * accounted for: one with too many or too few fields, an unclosed quote, bytes that are no text, or a
 * value that is not exactly one of the column's type is set aside with its line number.
 *
 * Throws a `TypeError` or `RangeError` for options that cannot be.
 *
 * @example
 * ```ts
 * import { Location, Source } from "@ml-pipe/ingest";
 *
 * const german = Source.csv(Location.glob("data/*.csv"), {
 *   delimiter: ";", decimal: ",", encoding: "windows-1252", timestamps: { at: "%d.%m.%Y %H:%M" },
 * });
 * ```
 */
export const csv = <LE = never>(
  where: Where<LE>,
  options: CsvOptions = {},
): Source<LE | FormatError> => {
  checkOptions(options);
  return filesSource<LE, FormatError>(where, {
    name: "CSV",
    params: { ...options },
    options,
    read: (file, { contract }, scratch) =>
      readText(file, "CSV file", (signal) =>
        readCsv(file, options, Object.keys(contract.columns), scratch, signal),
      ),
  });
};

const checkOptions = (options: CsvOptions): void => {
  const { delimiter, quote, escape, comment, encoding, skipLines = 0 } = options;
  for (const [name, value] of Object.entries({ delimiter, quote, escape, comment })) {
    const empty = value === "" && name !== "delimiter";
    // oxlint-disable-next-line no-control-regex -- control characters may delimit
    if (value === undefined || empty || /^[\x01-\x09\x0b\x0c\x0e-\x7f]$/.test(value)) continue;
    throw new TypeError(`Source.csv: ${name} is one ASCII character, not ${JSON.stringify(value)}`);
  }
  const used = [delimiter, quote ?? '"', comment].filter((one) => one !== undefined && one !== "");
  if (new Set(used).size < used.length) {
    throw new TypeError("Source.csv: delimiter, quote and comment must be different characters");
  }
  if (!(Number.isInteger(skipLines) && skipLines >= 0)) {
    throw new TypeError(`Source.csv: skipLines is a number of lines, not ${skipLines}`);
  }
  if (encoding !== undefined) labelOf(encoding);
};

const readCsv = async (
  { name, path }: Located,
  options: CsvOptions,
  columns: ReadonlyArray<string>,
  scratch: (what: string) => string,
  signal: AbortSignal,
): Promise<Part> => {
  const text = await textBytes(path, options.encoding, signal);
  const { head, all } = await peek(text.chunks, 1 << 16);
  mustBeText(name, "a CSV file", head);
  const { skipLines: skip = 0, header, quote = '"', comment = "", trim = false } = options;
  const escape = options.escape ?? quote;
  const given = { quote, escape, comment, trim };
  const delimiter = options.delimiter ?? delimiterOf(head, given, { header, skip }, columns);
  const { records, rejected } = await spooled(
    all(),
    scratch,
    (sink) => new CsvRecords({ ...given, delimiter }, sink, { header, skip }),
  );
  const names = records.header ?? [];
  const nulls = { texts: options.nulls ?? [""], quoted: options.quotedNulls ?? false };
  const why = (option: unknown) => (option === undefined ? "default" : "declared");
  const facts: ReadonlyArray<Fact> = [
    [
      "delimiter",
      JSON.stringify(delimiter),
      options.delimiter === undefined ? "found" : "declared",
    ],
    ["quote", JSON.stringify(quote), why(options.quote)],
    ["escape", JSON.stringify(escape), why(options.escape)],
    ["encoding", text.encoding, text.marked ? "found" : why(options.encoding)],
    ["packing", text.compression, "found"],
    ["header", header === undefined ? "first record" : "none", why(header)],
    ["null", nulls.texts.map((one) => JSON.stringify(one)).join(", "), why(options.nulls)],
    ["decimal mark", options.decimal ?? ".", why(options.decimal)],
    ["blank lines", String(records.blank), "found"],
    ...(comment === "" ? [] : [["comments", String(records.comments), "found"] as const]),
  ];
  return {
    name,
    file: text.content(),
    columns: textColumns(names),
    sparse: false,
    records: records.records,
    ...fieldsPart(scratch("rows"), names, options, nulls, delimiter),
    ...rejectsOf(scratch("rejects"), rejected),
    facts,
  };
};

/** The delimiter with which the first record says most of what is known of the columns. */
const delimiterOf = (
  head: Buffer,
  dialect: Omit<Dialect, "delimiter">,
  options: { readonly header: ReadonlyArray<string> | undefined; readonly skip: number },
  columns: ReadonlyArray<string>,
): string => {
  const scores = [",", ";", "\t", "|"].map((delimiter) => {
    const records = new CsvRecords({ ...dialect, delimiter }, undefined, {
      header: undefined,
      skip: options.skip,
    });
    records.push(head);
    records.end();
    const fields = records.header ?? [];
    const known =
      options.header === undefined
        ? fields.filter((field) => columns.includes(field)).length
        : -Math.abs(fields.length - options.header.length);
    return { delimiter, known, fields: fields.length };
  });
  const [best] = scores.toSorted((a, b) => b.known - a.known || b.fields - a.fields);
  return best?.delimiter ?? ",";
};
