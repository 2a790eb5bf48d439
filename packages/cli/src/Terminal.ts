/** Where output goes, and what it may look like there. */
import { plain, ansi, type Style } from "./view/Style.ts";

/** A place to write to. */
export interface Terminal {
  /** Writes a line of the result. */
  readonly out: (line: string) => void;
  /** Writes a line for the person who waits: progress, problems. */
  readonly err: (line: string) => void;
  /** Looks of {@link out}. */
  readonly style: Style;
  /** Looks of {@link err}. */
  readonly errStyle: Style;
}

/** `FORCE_COLOR` before `NO_COLOR` before what the terminal can do: the order that Node has. */
const styleOf = (stream: NodeJS.WriteStream): Style => {
  const { FORCE_COLOR: force, NO_COLOR: no = "" } = process.env;
  if (force !== undefined) return force === "0" || force === "false" ? plain : ansi;
  if (no !== "") return plain;
  return stream.isTTY && stream.hasColors() ? ansi : plain;
};

/** Can lines be drawn over? Not in a file or a pipe, and not where `TERM` is `dumb`. */
export const isLive = (): boolean => process.stdout.isTTY && process.env["TERM"] !== "dumb";

/** The terminal of this process. */
export const ofProcess = (): Terminal => ({
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  style: styleOf(process.stdout),
  errStyle: styleOf(process.stderr),
});
