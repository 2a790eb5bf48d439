/**
 * `Intl.Segmenter` for the start-up bundle: Node takes 10 to 20 ms to set up a real one, which is made
 * here only for text that needs it. The build puts it in its place.
 */

/** Text in which every character is a grapheme. */
const simple = /^[\u0020-\u007e\u00a0-\u02ff\u2010-\u2027]*$/;

/** Splits text into graphemes. */
export class LazySegmenter {
  readonly #locales: Intl.LocalesArgument;
  readonly #options: Intl.SegmenterOptions | undefined;
  #real: Intl.Segmenter | undefined;

  constructor(locales?: Intl.LocalesArgument, options?: Intl.SegmenterOptions) {
    this.#locales = locales;
    this.#options = options;
  }

  segment(text: string): Iterable<{ readonly segment: string }> {
    if (simple.test(text)) return Array.from(text, (segment) => ({ segment }));
    this.#real ??= makeReal(this.#locales, this.#options);
    return this.#real.segment(text);
  }
}

const makeReal = (locales: Intl.LocalesArgument, options?: Intl.SegmenterOptions) => {
  // Not written as `Intl.Segmenter`: that is what is replaced.
  const { Segmenter } = Intl;
  return new Segmenter(locales, options);
};
