/** Deterministic random numbers for resampling and for disturbing inputs: the same on every machine. Not for secrets. */
import { normal } from "./internal/Inverse.ts";

const mask64 = (1n << 64n) - 1n;

/**
 * SplitMix64 (Steele, Lea & Flood 2014; S. Vigna's splitmix64.c, public domain): a stream of 64-bit numbers
 * from any 64-bit seed. Its authors recommend it to fill the state of xoshiro.
 */
export const splitMix64 = (seed: bigint): (() => bigint) => {
  let state = seed & mask64;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64;
    return z ^ (z >> 31n);
  };
};

/**
 * xoshiro128** 1.1 (D. Blackman & S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4),
 * 2021; xoshiro128starstar.c, public domain): 32-bit numbers of period 2^128 - 1, with 32-bit arithmetic only.
 */
export class Xoshiro128 {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  constructor(s0: number, s1: number, s2: number, s3: number) {
    this.#s0 = s0 | 0;
    this.#s1 = s1 | 0;
    this.#s2 = s2 | 0;
    this.#s3 = s3 | 0;
  }

  /**
   * State from a whole-number seed by SplitMix64, low half first.
   *
   * @example
   * ```ts
   * import { Random } from "@ml-pipe/data"
   *
   * const random = Random.Xoshiro128.fromSeed(7)
   * const die = 1 + random.below(6)
   * ```
   */
  static fromSeed(seed: number): Xoshiro128 {
    const next = splitMix64(BigInt.asUintN(64, BigInt(seed)));
    const a = next();
    const b = next();
    return new Xoshiro128(
      Number(a & 0xffffffffn),
      Number(a >> 32n),
      Number(b & 0xffffffffn),
      Number(b >> 32n),
    );
  }

  /** The next number in [0, 2^32). */
  next(): number {
    const s1 = this.#s1;
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    this.#s2 ^= this.#s0;
    this.#s3 ^= s1;
    this.#s1 = s1 ^ this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= s1 << 9;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result >>> 0;
  }

  /** A whole number in [0, bound); its bias is at most bound / 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() * bound) / 4294967296);
  }

  /** A number in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.next() / 4294967296;
  }

  /** A standard normal number, by inversion (AS 241). */
  gaussian(): number {
    return normal((this.next() + 0.5) / 4294967296);
  }

  /** The numbers 0 to n - 1 in random order (Fisher & Yates; Durstenfeld, CACM 7(7), 1964). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
    return order;
  }
}
