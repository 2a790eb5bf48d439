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

const styleOf = (stream: NodeJS.WriteStream): Style =>
  stream.isTTY && stream.hasColors() ? ansi : plain;

/** The terminal of this process. */
export const ofProcess = (): Terminal => ({
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  style: styleOf(process.stdout),
  errStyle: styleOf(process.stderr),
});
