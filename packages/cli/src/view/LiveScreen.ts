/**
 * Draws lines in place on a terminal: without flicker, not more often than eyes can follow, and only
 * what has changed, for a terminal at the end of a slow line.
 */
import { width } from "./width.ts";

/** Where to draw. A terminal's stream fits. */
export interface Canvas {
  readonly write: (text: string) => unknown;
  readonly columns?: number;
  readonly rows?: number;
}

/** What there is to draw on. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A part of the terminal that is drawn again and again. */
export interface LiveScreen {
  /** Writes lines above that stay: with the next frame. */
  readonly print: (lines: ReadonlyArray<string>) => void;
  /** The window has another size, and the terminal may have wrapped what is there. */
  readonly resized: () => void;
  /** Gives the cursor back for a while, and leaves what is drawn. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Draws a last time and leaves it there. */
  readonly close: () => void;
}

/** At most ten frames a second. */
const frameMillis = 100;
/** At the end, so much is drawn even if it does not fit the window. */
const lastRows = 100;

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
/** Terminals that know these show a frame only when it is complete; others ignore them. */
const beginFrame = "\u001b[?2026h";
const endFrame = "\u001b[?2026l";
/** A line that is wider than we think is cut, not wrapped. */
const noWrap = "\u001b[?7l";
const wrap = "\u001b[?7h";
const clearToEnd = "\u001b[K";
const clearBelow = "\u001b[J";

const up = (rows: number): string => (rows > 0 ? `\u001b[${rows}A` : "");
const down = (rows: number): string => (rows > 0 ? `\u001b[${rows}B` : "");

/** Starts drawing what `lines` returns, a frame at a time, whenever it has changed. */
export const openScreen = (
  canvas: Canvas,
  lines: (size: Size) => ReadonlyArray<string>,
): LiveScreen => {
  /** What is on the terminal. The cursor stands at the beginning of the line below. */
  let shown: ReadonlyArray<string> = [];
  /** Lines that the terminal made of it, if it wrapped them. */
  let taken: number | undefined;
  let above: Array<string> = [];
  let state: "open" | "paused" | "closed" = "open";

  // A terminal that does not know its size says 0.
  const size = (): Size => ({
    columns: Math.min(canvas.columns || 80, 100),
    rows: Math.max(1, (canvas.rows || 24) - 1),
  });

  const draw = (last = false): void => {
    const now = size();
    const next = lines(last ? { ...now, rows: Math.max(now.rows, lastRows) } : now);
    const kept = above;
    above = [];
    const whole = kept.length > 0 || taken !== undefined || (last && next.length > now.rows);
    const text = whole ? redraw(kept, next, now) : update(next, now);
    taken = undefined;
    shown = next;
    if (text !== "") canvas.write(`${beginFrame}${text}${endFrame}`);
  };

  /** Everything anew, below lines that stay. */
  const redraw = (kept: ReadonlyArray<string>, next: ReadonlyArray<string>, now: Size): string => {
    const rows = Math.min(taken ?? shown.length, now.rows);
    const staying = kept.map((line) => `${line}\r\n`).join("");
    const drawn = next.map((line) => `${line}\r\n`).join("");
    return `\r${up(rows)}${clearBelow}${staying}${noWrap}${drawn}${wrap}`;
  };

  /** Only lines that are not as they were. */
  const update = (next: ReadonlyArray<string>, { columns }: Size): string => {
    const same = (index: number): boolean => next[index] === shown[index];
    const first = next.findIndex((_, index) => !same(index));
    if (first === -1 && next.length === shown.length) return "";
    const from = first === -1 ? next.length : Math.min(first, shown.length);
    let text = up(shown.length - from);
    let at = from;
    for (let index = from; index < next.length; index++) {
      if (index < shown.length && same(index)) continue;
      const line = next[index] ?? "";
      // In the last column, the cursor stands on the last character.
      const cleared = width(line) < columns ? clearToEnd : "";
      text += `${down(index - at)}${line}${cleared}\r\n`;
      at = index + 1;
    }
    text += down(next.length - at);
    const cleared = next.length < shown.length ? clearBelow : "";
    return `${noWrap}\r${text}${cleared}${wrap}`;
  };

  /** Whatever ends the process: the cursor is seen again, and nothing that was said is lost. */
  const restore = (): void => {
    const rest = above.map((line) => `${line}\r\n`).join("");
    above = [];
    canvas.write(`${rest}${showCursor}`);
  };

  canvas.write(hideCursor);
  process.once("exit", restore);
  const timer = setInterval(() => {
    if (state === "open") draw();
  }, frameMillis);

  return {
    print: (more) => void above.push(...more),
    resized: () => {
      const { columns = 80 } = canvas;
      taken = shown.reduce(
        (rows, line) => rows + Math.max(1, Math.ceil(width(line) / (columns || 80))),
        0,
      );
    },
    pause: () => {
      if (state !== "open") return;
      state = "paused";
      restore();
    },
    resume: () => {
      if (state !== "paused") return;
      state = "open";
      // Whatever the shell wrote in between stays.
      shown = [];
      canvas.write(hideCursor);
    },
    close: () => {
      if (state === "closed") return;
      state = "closed";
      clearInterval(timer);
      draw(true);
      restore();
      process.removeListener("exit", restore);
    },
  };
};
