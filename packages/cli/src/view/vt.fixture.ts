/** A terminal for tests: what a person would see after each write. */
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless from "@xterm/headless";

/** What one write left on the screen. */
export interface Seen {
  /** The lines of the window, without spaces at their ends. */
  readonly window: ReadonlyArray<string>;
  /** Lines that have scrolled out of the window. */
  readonly scrolled: ReadonlyArray<string>;
}

/** An emulated terminal with wide characters as Unicode has them since 2018. */
export const openTerminal = (columns: number, rows: number) => {
  const terminal = new headless.Terminal({
    cols: columns,
    rows,
    scrollback: 10_000,
    allowProposedApi: true,
  });
  // The add-on names the terminal of the browser, of which this is a part.
  Reflect.apply(Reflect.get(terminal, "loadAddon"), terminal, [new Unicode11Addon()]);
  terminal.unicode.activeVersion = "11";
  const writes: Array<string> = [];
  const seen = (): Seen => {
    const { active } = terminal.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, row) => active.getLine(row)?.translateToString(true) ?? "",
    );
    return { scrolled: lines.slice(0, active.baseY), window: lines.slice(active.baseY) };
  };
  return {
    /** What was written so far, a write at a time. */
    writes,
    /** Where a live screen draws. */
    canvas: {
      get columns() {
        return terminal.cols;
      },
      get rows() {
        return terminal.rows;
      },
      write: (text: string) => void writes.push(text),
    },
    /** Shows all writes that are not shown yet; what was seen after each. */
    show: async (): Promise<ReadonlyArray<Seen>> => {
      const frames: Array<Seen> = [];
      for (const text of writes.splice(0)) {
        await new Promise<void>((resolve) => terminal.write(text, resolve));
        frames.push(seen());
      }
      return frames;
    },
    resize: (toColumns: number, toRows: number) => terminal.resize(toColumns, toRows),
    seen,
    cursor: () => ({ column: terminal.buffer.active.cursorX, row: terminal.buffer.active.cursorY }),
  };
};
