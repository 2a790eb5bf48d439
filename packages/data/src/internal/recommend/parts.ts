/**
 * Parts of a served system as one file: named arrays of numbers and texts, one after the other, that are used as
 * they lie in memory. The first line says in JSON what there is; arrays begin at multiples of eight bytes and are
 * little-endian.
 */

/** An array of a file. */
export type Part = Float64Array | Int32Array | Uint8Array | ReadonlyArray<string>;

/** What a file holds, by name. */
export type Parts = { readonly [name: string]: Part };

type ArrayKind = "f64" | "i32" | "u8";

interface Entry {
  readonly name: string;
  readonly kind: ArrayKind | "text";
  readonly bytes: number;
}

const text = new TextEncoder();

const bytesOf = (part: Part): Uint8Array =>
  ArrayBuffer.isView(part)
    ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    : text.encode(JSON.stringify(part));

const kindOf = (part: Part): Entry["kind"] => {
  if (part instanceof Float64Array) return "f64";
  if (part instanceof Int32Array) return "i32";
  return part instanceof Uint8Array ? "u8" : "text";
};

/** The bytes to write, in their order. Equal parts give equal bytes. */
export const pack = (parts: Parts): ReadonlyArray<Uint8Array> => {
  const all = Object.entries(parts).map(([name, part]) => ({ name, part, bytes: bytesOf(part) }));
  const entries = all.map(({ name, part, bytes }): Entry => ({
    name,
    kind: kindOf(part),
    bytes: bytes.length,
  }));
  const head = text.encode(`${JSON.stringify(entries)}\n`);
  return [head, ...all.map(({ bytes }) => bytes)].flatMap((bytes) => [
    bytes,
    padding(bytes.length),
  ]);
};

const padding = (bytes: number): Uint8Array => new Uint8Array((8 - (bytes % 8)) % 8);

/** What a file holds. The bytes are those that {@link pack} gave: their digest was compared. */
export const unpack = (file: Uint8Array): Parts => {
  // What shares its memory with others may begin anywhere.
  const bytes = file.byteOffset % 8 === 0 ? file : new Uint8Array(file);
  const read = new TextDecoder();
  const end = bytes.indexOf(10);
  const entries: ReadonlyArray<Entry> = JSON.parse(read.decode(bytes.subarray(0, end)));
  let at = end + 1 + padding(end + 1).length;
  const parts: Record<string, Part> = {};
  for (const { name, kind, bytes: length } of entries) {
    if (kind === "text") {
      const names: ReadonlyArray<string> = JSON.parse(read.decode(bytes.subarray(at, at + length)));
      parts[name] = names;
    } else {
      parts[name] = viewOf(kind, bytes, at, length);
    }
    at += length + padding(length).length;
  }
  return parts;
};

const viewOf = (kind: ArrayKind, { buffer, byteOffset }: Uint8Array, at: number, bytes: number) => {
  const from = byteOffset + at;
  switch (kind) {
    case "f64":
      return new Float64Array(buffer, from, bytes / 8);
    case "i32":
      return new Int32Array(buffer, from, bytes / 4);
    case "u8":
      return new Uint8Array(buffer, from, bytes);
  }
};

/** Reads parts by name and kind. One that is not there is a file of another version. */
export const reader = (parts: Parts) => {
  const find = <P extends Part>(name: string, is: (part: Part | undefined) => part is P): P => {
    const part = parts[name];
    if (is(part)) return part;
    throw new TypeError(`it has no part "${name}" of the kind that is served`);
  };
  return {
    numbers: (name: string) => find(name, (part) => part instanceof Float64Array),
    places: (name: string) => find(name, (part) => part instanceof Int32Array),
    flags: (name: string) => find(name, (part) => part instanceof Uint8Array),
    texts: (name: string) =>
      find(name, (part): part is ReadonlyArray<string> => Array.isArray(part)),
  };
};

/** See {@link reader}. */
export type Reader = ReturnType<typeof reader>;
