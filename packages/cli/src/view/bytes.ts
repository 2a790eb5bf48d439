/** Sizes of files as people read them. */
import type { Artifact } from "@ml-pipe/core";

/** `950 bytes`, `49.1 kB`, `1.2 GB`: powers of 1000, as disks are sold. */
export const bytesText = (bytes: Artifact.Artifact["bytes"]): string => {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit] ?? ""}`;
};

/** Enough of a digest to find it again. */
export const shortDigest = (digest: string): string => digest.slice(0, "sha256-".length + 12);
