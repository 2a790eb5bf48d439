/**
 * Reading the wire format of Protocol Buffers, as far as ONNX needs it: a message is a list of fields,
 * each with a number and a value. https://protobuf.dev/programming-guides/encoding/
 */

/** The bytes are not a message. */
export class NotProtobuf extends Error {}

/** One field of a message. `bytes` is there for texts, embedded messages and packed numbers. */
export interface Field {
  readonly number: number;
  /** An integer; 0 for other kinds. Beyond 2^53 it is not exact, which no shape or tag is. */
  readonly integer: number;
  readonly bytes: Uint8Array | undefined;
}

/** The fields of a message, in the order in which they are written. Throws {@link NotProtobuf}. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new NotProtobuf("it ends within a number");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new NotProtobuf(`a number at byte ${at} has no end`);
  };
  const skip = (bytes: number): void => {
    if (bytes > message.length - at) throw new NotProtobuf(`it ends within a field at byte ${at}`);
    at += bytes;
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    if (number === 0) throw new NotProtobuf(`a field at byte ${at} has the number 0`);
    switch (key % 8) {
      case 0:
        yield { number, integer: varint(), bytes: undefined };
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const length = varint();
        const start = at;
        skip(length);
        yield { number, integer: 0, bytes: message.subarray(start, at) };
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        throw new NotProtobuf(`a field at byte ${at} is of an unknown kind`);
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The text of a field. */
export const textOf = ({ bytes }: Field): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new NotProtobuf("a name is not UTF-8 text");
  }
};
