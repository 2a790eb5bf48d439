/**
 * Content digests: one spelling of "the same value" for cache keys, evidence and artifacts.
 *
 * A digest is `sha256-` followed by 64 hexadecimal digits. Values are digested in canonical JSON
 * (RFC 8785: keys in order of their UTF-16 code units, no white space), so that two objects with the
 * same content have the same digest whatever the order in which their keys were written.
 */
import { createHash } from "node:crypto";
import * as Schema from "effect/Schema";

/** The schema of a digest: `sha256-` and 64 lower-case hexadecimal digits. */
export const Digest = Schema.String.check(Schema.isPattern(/^sha256-[0-9a-f]{64}$/));

/** A content digest, such as `sha256-2cf2…`. */
export type Digest = typeof Digest.Type;

/**
 * The digest of text or bytes.
 *
 * @example
 * ```ts
 * import { Digest } from "@ml-pipe/core";
 *
 * const digest: string = Digest.ofBytes("hello"); // "sha256-2cf24dba…"
 * ```
 */
export const ofBytes = (content: string | Uint8Array): Digest =>
  `sha256-${createHash("sha256").update(content).digest("hex")}`;

/**
 * The digest of a JSON value, independent of the order of keys. `undefined` members are left out and
 * dates are their ISO text, as in JSON. A value that JSON cannot hold (NaN, ±Infinity) is a defect of
 * the caller and throws a `TypeError`, because `JSON.stringify` would silently turn it into `null`.
 *
 * @example
 * ```ts
 * import { Digest } from "@ml-pipe/core";
 *
 * const same: boolean = Digest.ofJson({ a: 1, b: 2 }) === Digest.ofJson({ b: 2, a: 1 });
 * ```
 */
export const ofJson = (value: unknown): Digest => ofBytes(canonicalJson(value));

/**
 * Canonical JSON text (RFC 8785) of a JSON value: what {@link ofJson} digests.
 *
 * Throws a `TypeError` that names the place of a value JSON does not have (NaN, ±Infinity, a bigint, a
 * function) or would silently empty (a `Map`, a `Set`, bytes): two different values must never share
 * a digest.
 *
 * @example
 * ```ts
 * import { Digest } from "@ml-pipe/core";
 *
 * const text: string = Digest.canonicalJson({ b: [1, 2.5e3], a: null }); // {"a":null,"b":[1,2500]}
 * ```
 */
export const canonicalJson = (value: unknown): string => write(value, "") ?? "null";

/** `undefined` where JSON leaves a member out. */
const write = (value: unknown, at: string): string | undefined => {
  const refuse = (what: string) =>
    new TypeError(`cannot digest ${what} at "${at}": JSON has no such value`);
  switch (typeof value) {
    case "undefined":
      return undefined;
    case "number":
      if (!Number.isFinite(value)) throw refuse(String(value));
      return JSON.stringify(value);
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "object":
      break;
    default:
      throw refuse(`a ${typeof value}`);
  }
  if (value === null) return "null";
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => write(item, `${at}/${index}`) ?? "null").join(",")}]`;
  }
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) {
    throw refuse(`a ${value.constructor.name}`);
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return write(value.toJSON(), at);
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, member]) => {
      const text = write(member, `${at}/${key}`);
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`];
    });
  return `{${members.join(",")}}`;
};
