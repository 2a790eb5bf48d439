/** The best of many scores, without sorting them all. */

/**
 * The indices of the highest scores, the highest first; of equal ones the lower index comes first.
 * `-Infinity` marks what is not to be taken. O(scores × log count) time at worst.
 *
 * @example
 * ```ts
 * import { Best } from "@ml-pipe/data";
 *
 * const two = Best.indices(Float64Array.of(0.2, 0.9, 0.5), 2); // 1, 2
 * ```
 */
export const indices = (
  scores: Float64Array,
  count: number,
  /** Only these indices, in any order; default all. */
  among?: Int32Array,
): Int32Array => {
  // A heap with the worst of the best so far on top.
  const heap = new Int32Array(count);
  let size = 0;
  const worse = (a: number, b: number): boolean =>
    scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b);
  const sink = (from: number): void => {
    const moved = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && worse(heap[child + 1]!, heap[child]!)) child++;
      if (!worse(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  };
  const candidates = among?.length ?? scores.length;
  for (let at = 0; at < candidates; at++) {
    const index = among === undefined ? at : among[at]!;
    if (scores[index] === -Infinity) continue;
    if (size < count) {
      heap[size++] = index;
      if (size === count) for (let top = (size >> 1) - 1; top >= 0; top--) sink(top);
    } else if (worse(heap[0]!, index)) {
      heap[0] = index;
      sink(0);
    }
  }
  return heap.subarray(0, size).toSorted((a, b) => scores[b]! - scores[a]! || a - b);
};
