/** Draws lines in place on a terminal, without flicker and not more often than eyes can follow. */

/** Where to draw. A terminal's stream fits. */
export interface Canvas {
  readonly write: (text: string) => unknown;
  readonly columns?: number;
  readonly rows?: number;
}

/** At most ten frames a second. */
const frameMillis = 100;

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
/** Terminals that know these show a frame only when it is complete; others ignore them. */
const beginFrame = "\u001b[?2026h";
const endFrame = "\u001b[?2026l";
const clearToEnd = "\u001b[K";
const clearBelow = "\u001b[J";

/** A part of the terminal that is drawn again and again. */
export interface LiveScreen {
  /** Writes lines above that stay. */
  readonly print: (lines: ReadonlyArray<string>) => void;
  /** Draws a last time and leaves it there. */
  readonly close: () => void;
}

/** Starts drawing what `lines` returns, a frame at a time, whenever it has changed. */
export const openScreen = (
  canvas: Canvas,
  lines: (columns: number) => ReadonlyArray<string>,
): LiveScreen => {
  let drawn = 0;
  let last = "";
  let closed = false;

  const draw = (above: ReadonlyArray<string> = [], whole = false) => {
    // A terminal that does not know its size says 0.
    const all = lines(Math.min(canvas.columns || 80, 100));
    // What has scrolled out of the window cannot be drawn over.
    const room = whole ? all.length : Math.max(1, (canvas.rows || 24) - 1);
    const shown = all.length > room ? all.slice(-room) : all;
    const text = shown.map((line) => `${line}${clearToEnd}\n`).join("");
    if (text === last && above.length === 0) return;
    const up = drawn > 0 ? `\u001b[${drawn}A\r` : "\r";
    const kept = above.map((line) => `${line}${clearToEnd}\n`).join("");
    canvas.write(`${beginFrame}${up}${kept}${text}${clearBelow}${endFrame}`);
    drawn = shown.length;
    last = text;
  };

  const restore = () => canvas.write(showCursor);
  canvas.write(hideCursor);
  process.once("exit", restore);
  const timer = setInterval(() => draw(), frameMillis);

  return {
    print: (above) => draw(above),
    close: () => {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      draw([], true);
      restore();
      process.removeListener("exit", restore);
    },
  };
};
