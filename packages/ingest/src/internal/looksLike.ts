/** What a file seems to be, by its first bytes. */

/** What a file seems to be, and what to do about it. */
export interface Guess {
  /** Such as `CSV text`. */
  readonly what: string;
  readonly next: string;
}

const readWith = (source: string) => `Read it with Ingest.table and ${source}`;

const signatures: ReadonlyArray<readonly [bytes: string, guess: Guess]> = [
  ["\x1f\x8b", { what: "gzip data", next: "Unpack it first: gunzip" }],
  ["\x28\xb5\x2f\xfd", { what: "zstd data", next: "Unpack it first: unzstd" }],
  ["BZh", { what: "bzip2 data", next: "Unpack it first: bunzip2" }],
  ["PK\x03\x04", { what: "a zip archive", next: "Unpack it first: unzip" }],
  ["PAR1", { what: "a Parquet file", next: readWith("Source.parquet") }],
  ["ARROW1", { what: "an Arrow (Feather) file", next: readWith("Source.arrow") }],
  ["Obj\x01", { what: "an Avro file", next: "Write it as Parquet instead" }],
  ["ORC", { what: "an ORC file", next: "Write it as Parquet instead" }],
  ["SQLite format 3", { what: "an SQLite database", next: readWith("Source.sqlite") }],
  ["PARE", { what: "an encrypted Parquet file", next: "Decrypt it first" }],
  [
    "version https://git-lfs",
    { what: "a Git LFS pointer, not the file itself", next: "Fetch the file: git lfs pull" },
  ],
];

/** What a file certainly is that is neither of the text formats, by how it begins. */
export const signatureOf = (head: Uint8Array): Guess | undefined => {
  if (head.length === 0) return { what: "an empty file", next: "Export or download it again" };
  const bytes = Buffer.from(head.subarray(0, 512)).toString("latin1");
  const known = signatures.find(([signature]) => bytes.startsWith(signature));
  if (known !== undefined) return known[1];
  return /^\s*<(?:!doctype|html|\?xml)/i.test(bytes)
    ? { what: "a web page", next: "Check the address it was downloaded from" }
    : undefined;
};

/**
 * Guesses the format of a file by its first bytes: what it is instead, where it is not what its name says.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const { what } = Source.looksLike(Buffer.from("<!doctype html>")); // "a web page"
 * ```
 */
export const looksLike = (head: Uint8Array): Guess => {
  const known = signatureOf(head);
  if (known !== undefined) return known;
  const text = textOf(head);
  if (text === undefined) return { what: "binary data", next: "Check the path" };
  const trimmed = text.trimStart();
  if (/^[[{]/.test(trimmed)) return { what: "JSON text", next: readWith("Source.json") };
  const [header = ""] = trimmed.split("\n", 1);
  return /[,;\t|]/.test(header)
    ? { what: "CSV text", next: readWith("Source.csv") }
    : { what: "plain text", next: "Check the path" };
};

/** The text of bytes, if they are text: UTF-8 that may be cut off in the middle of a character. */
const textOf = (head: Uint8Array): string | undefined => {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    // oxlint-disable-next-line no-control-regex -- control characters are what tells binary from text
    return /[\x00-\x08\x0e-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
};
