/**
 * As much of the Protocol Buffers wire format as ONNX needs to be written (protobuf.dev, "Encoding"): a
 * message is a list of fields, each a tag (number · 8 + wire type) and a value.
 */

/** A message: its fields, encoded, in order. */
export type Message = ReadonlyArray<Uint8Array>;

const utf8 = new TextEncoder();

/** A varint of a number that is whole, safe and not negative. */
const varint = (value: number): Uint8Array => {
  const bytes: Array<number> = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
};

const varintType = 0;
const lengthType = 2;

const tag = (field: number, type: number): Uint8Array => varint(field * 8 + type);

/** A field with bytes, as they are. */
export const bytes = (field: number, value: Uint8Array): Uint8Array =>
  joined([tag(field, lengthType), varint(value.length), value]);

/** A field with a whole number of at least 0. */
export const int = (field: number, value: number): Uint8Array =>
  joined([tag(field, varintType), varint(value)]);

/** A field with whole numbers of at least 0, packed. */
export const ints = (field: number, values: ReadonlyArray<number>): Uint8Array =>
  bytes(field, joined(values.map(varint)));

/** A field with a text. */
export const text = (field: number, value: string): Uint8Array => bytes(field, utf8.encode(value));

/** A field with a message. */
export const message = (field: number, fields: Message): Uint8Array => bytes(field, joined(fields));

/** The parts one after the other: a whole message from its fields. */
export const joined = (parts: Message): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
