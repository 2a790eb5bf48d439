/**
 * Golden sets as the store knows them: named, versioned rows with agreed labels, which nothing may ever
 * be trained on. The rows themselves are elsewhere; here are the hashes by which they are recognised.
 */
import * as Schema from "effect/Schema";
import * as Digest from "./Digest.ts";

/** A registered golden set. */
export const Golden = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  /** Name of the contract that the rows come from. */
  contract: Schema.String,
  /** Digest of the file with the rows. */
  digest: Digest.Digest,
  rows: Schema.Int,
  /** The columns that tell rows apart: the hashes are of these. */
  identity: Schema.Array(Schema.String),
  /** One per row, ascending: 16 hexadecimal digits each. */
  hashes: Schema.Array(Schema.String),
});
/** See {@link Golden}. */
export type Golden = typeof Golden.Type;

/**
 * How a golden set is named in messages.
 *
 * @example
 * ```ts
 * import { Golden } from "@ml-pipe/core";
 *
 * const label: string = Golden.label({ name: "hard-flights", version: "1.0.0" }); // hard-flights@1.0.0
 * ```
 */
export const label = ({ name, version }: Pick<Golden, "name" | "version">): string =>
  `${name}@${version}`;
