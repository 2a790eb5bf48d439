/** Names as UUIDs: the same name is always the same UUID. */
import { createHash } from "node:crypto";

/** The namespace of URLs in RFC 9562. */
const urls = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

/** Version 5 of RFC 9562, section 5.5: the SHA-1 of a namespace and a name. */
export const uuid5 = (namespace: string, name: string): string => {
  const bytes = createHash("sha1")
    .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
    .update(name, "utf8")
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
};

/** Who makes the events, as the URI that OpenLineage asks for. */
export const producer = "https://www.npmjs.com/package/@ml-pipe/observe";

const ours = uuid5(urls, producer);

/** The UUID of something of ours. */
export const uuidOf = (...names: ReadonlyArray<string>): string =>
  uuid5(ours, JSON.stringify(names));
