/** Entities that were looked up lately, within bounds. */
import type { Buckets } from "../internal/historyIndex.ts";

/** What is known of an entity; null if nothing is. */
type Entity = ReadonlyArray<Buckets> | null;

/** See {@link entityCache}. */
export interface EntityCache {
  /** `undefined` if it is not cached. */
  readonly get: (series: string, entity: string) => Entity | undefined;
  readonly set: (series: string, entity: string, value: Entity, bytes: number) => void;
  readonly delete: (series: string, entity: string) => void;
  readonly clear: () => void;
}

/**
 * A cache of at most so many bytes. There are two generations: when the young one is full, it becomes
 * the old one, and what nobody asked for since goes. That costs one look more than a plain map.
 */
export const entityCache = (maxBytes: number): EntityCache => {
  let young: Generation = new Map();
  let old: Generation = new Map();
  let bytes = 0;
  const put = (series: string, entity: string, kept: Kept) => {
    bytes += kept.bytes;
    if (bytes > maxBytes / 2) [old, young, bytes] = [young, new Map(), kept.bytes];
    const entities = young.get(series);
    if (entities === undefined) young.set(series, new Map([[entity, kept]]));
    else entities.set(entity, kept);
  };
  return {
    get: (series, entity) => {
      const found = young.get(series)?.get(entity);
      if (found !== undefined) return found.value;
      const before = old.get(series)?.get(entity);
      if (before !== undefined) put(series, entity, before);
      return before?.value;
    },
    set: (series, entity, value, size) =>
      put(series, entity, { value, bytes: size + overheadBytes }),
    delete: (series, entity) => {
      young.get(series)?.delete(entity);
      old.get(series)?.delete(entity);
    },
    clear: () => {
      [old, young, bytes] = [new Map(), new Map(), 0];
    },
  };
};

interface Kept {
  readonly value: Entity;
  readonly bytes: number;
}

type Generation = Map<string, Map<string, Kept>>;

/** About what an entity takes beside its buckets: a few objects and its key. */
const overheadBytes = 1000;
