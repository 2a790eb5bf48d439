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
 * The digest of a JSON value, independent of the order of keys. `undefined` members are left out,
 * as JSON does; a number that JSON cannot hold (NaN, ±Infinity) is a defect of the caller and throws
 * a `TypeError`, because `JSON.stringify` would silently turn it into `null`.
 *
 * @example
 * ```ts
 * import { Digest } from "@ml-pipe/core";
 *
 * const same: boolean = Digest.ofJson({ a: 1, b: 2 }) === Digest.ofJson({ b: 2, a: 1 });
 * ```
 */
export const ofJson = (value: unknown): Digest => ofBytes(canonicalJson(value));

/** Canonical JSON text (RFC 8785) of a JSON value. Throws a `TypeError` on NaN and ±Infinity. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (key, member: unknown) => {
    if (typeof member === "number" && !Number.isFinite(member)) {
      throw new TypeError(`cannot digest ${member} at "${key}": JSON has no such number`);
    }
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(
      Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  }) ?? "null";
