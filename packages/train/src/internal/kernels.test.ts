/** The assembled kernels against the same loops in plain TypeScript with BigInt. */
import { assert, describe, it } from "@effect/vitest";
import { randomNumbers } from "../../test-fixtures/reference.ts";
import { fixedPointFor, scaleFor } from "./fixedPoint.ts";
import { assembleKernels, compileKernels, makeKernels, makeMemory } from "./kernels.ts";

const rows = 1000;
const at = {
  bins: 0,
  index: 1024,
  pairs: 8192,
  ordered: 16384,
  table: 24576,
  left: 24832,
  right: 32768,
};
const histogramAt = 49152;

const setUp = () => {
  const memory = makeMemory(65536 * 2);
  const kernels = makeKernels(compileKernels(), memory);
  const random = randomNumbers(7);
  const bins = new Uint8Array(memory.buffer, at.bins, rows);
  const index = new Int32Array(memory.buffer, at.index, rows);
  const pairs = new Int32Array(memory.buffer, at.pairs, 2 * rows);
  const histogram = new BigInt64Array(memory.buffer, histogramAt, 512);
  for (let i = 0; i < rows; i++) {
    bins[i] = Math.floor(random() * 256);
    pairs[2 * i] = Math.floor((random() - 0.5) * 2 ** 31);
    pairs[2 * i + 1] = Math.floor(random() * 2 ** 26);
  }
  const some = Array.from({ length: rows }, (_, i) => i).filter(() => random() < 0.4);
  index.set(some);
  return { memory, kernels, bins, index, pairs, histogram, some };
};

const one = 1n << 40n;
const expectedHistogram = (bins: Uint8Array, pairs: Int32Array, some: ReadonlyArray<number>) => {
  const sums = new BigInt64Array(new SharedArrayBuffer(4096));
  for (const i of some) {
    const b = 2 * (bins[i] ?? 0);
    sums[b] = (sums[b] ?? 0n) + BigInt(pairs[2 * i] ?? 0);
    sums[b + 1] = (sums[b + 1] ?? 0n) + BigInt(pairs[2 * i + 1] ?? 0) + one;
  }
  return sums;
};

describe("kernels", () => {
  it("are a valid module", () => {
    assert.deepStrictEqual(
      [...assembleKernels().subarray(0, 8)],
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    );
  });

  it("sum a histogram of all rows, and of some in the order of an index", () => {
    const { kernels, bins, pairs, histogram, some } = setUp();
    kernels.histogramAll(at.bins, at.pairs, rows, histogramAt, one);
    const all = Array.from({ length: rows }, (_, i) => i);
    assert.deepStrictEqual(histogram, expectedHistogram(bins, pairs, all));
    histogram.fill(0n);
    kernels.gather(at.pairs, at.index, some.length, at.ordered);
    kernels.histogramOf(at.bins, at.index, at.ordered, some.length, histogramAt, one);
    assert.deepStrictEqual(histogram, expectedHistogram(bins, pairs, some));
  });

  it("subtract one histogram from another", () => {
    const { memory, kernels, bins, pairs, histogram, some } = setUp();
    kernels.histogramAll(at.bins, at.pairs, rows, histogramAt, one);
    const other = new BigInt64Array(memory.buffer, histogramAt + 4096, 512);
    other.set(expectedHistogram(bins, pairs, some));
    kernels.subtract(histogramAt, histogramAt + 4096, 256);
    const rest = Array.from({ length: rows }, (_, i) => i).filter((i) => !some.includes(i));
    assert.deepStrictEqual(histogram, expectedHistogram(bins, pairs, rest));
  });

  it("partition rows stably and count the left ones", () => {
    const { memory, kernels, bins, some } = setUp();
    const goesLeft = new Uint8Array(memory.buffer, at.table, 256);
    for (let b = 0; b < 256; b++) goesLeft[b] = b % 3 === 0 ? 1 : 0;
    const left = some.filter((i) => (bins[i] ?? 0) % 3 === 0);
    const right = some.filter((i) => (bins[i] ?? 0) % 3 !== 0);
    assert.strictEqual(kernels.countLeft(at.bins, at.table, at.index, some.length), left.length);
    kernels.partition(at.bins, at.table, at.index, some.length, at.left, at.right);
    assert.deepStrictEqual([...new Int32Array(memory.buffer, at.left, left.length)], left);
    assert.deepStrictEqual([...new Int32Array(memory.buffer, at.right, right.length)], right);
  });
});

describe("fixed point", () => {
  it("leaves room for the sums of any number of rows", () => {
    for (const n of [1, 2, 1000, 100_000, 1_900_000, 2 ** 26 - 1]) {
      const { gradientBits, hessianBits, countShift } = fixedPointFor(n);
      assert.isBelow(n * 2 ** gradientBits, 2 ** 53, `gradients of ${n} rows`);
      assert.isBelow(n * 2 ** hessianBits, 2 ** countShift, `hessians of ${n} rows`);
      assert.isBelow(n, 2 ** (63 - countShift), `count of ${n} rows`);
      assert.isAtLeast(countShift, 32);
      assert.isAtLeast(hessianBits, 11);
    }
  });

  it("scales by a power of two", () => {
    assert.strictEqual(scaleFor(0.25, 10), 4096);
    assert.strictEqual(scaleFor(3, 10), 256);
    assert.strictEqual(scaleFor(0, 10), 1);
  });
});
