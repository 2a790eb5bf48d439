/**
 * The spool: a temporary text file in one fixed dialect, into which every source that is not columnar
 * is written once, as a stream. DuckDB reads it with everything declared and nothing guessed.
 *
 * Fields are separated by U+001F and records end with LF. A field that was quoted, or that holds one of
 * the marks, is put between U+001E, doubled inside; only an empty field without quotes is null.
 */
import * as fs from "node:fs/promises";

/** Separates fields. */
export const unit = 0x1f;
/** Quotes a field. */
export const mark = 0x1e;

/** The largest record that is read; a larger one is rejected. */
export const maxRecordBytes = 4 * 1024 * 1024;

/** Bytes of records on their way into a spool file. Grows as needed; is emptied by {@link drain}. */
export class SpoolWriter {
  private buffer = Buffer.allocUnsafe(1 << 16);
  private at = 0;
  private readonly file: fs.FileHandle;
  /** Records written. */
  records = 0;

  private constructor(file: fs.FileHandle) {
    this.file = file;
  }

  static async open(path: string): Promise<SpoolWriter> {
    return new SpoolWriter(await fs.open(path, "w"));
  }

  /** Makes room for bytes that {@link byte} and {@link bytes} are going to write. */
  reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  byte(byte: number): void {
    this.buffer[this.at++] = byte;
  }

  /** A part of a buffer as it is. */
  bytes(from: Buffer, start: number, end: number): void {
    const { buffer } = this;
    if (end - start > 48) {
      this.at += from.copy(buffer, this.at, start, end);
      return;
    }
    let at = this.at;
    for (let index = start; index < end; index++) buffer[at++] = from[index] ?? 0;
    this.at = at;
  }

  /** A field of text; the only way to write one that may hold anything. */
  text(text: string): void {
    const bytes = Buffer.from(text);
    this.reserve(bytes.length * 2 + 8);
    this.quoted(bytes, 0, bytes.length);
  }

  /** A quoted field from bytes, for which there must be room for twice as many. */
  quoted(from: Uint8Array, start: number, end: number): void {
    this.byte(mark);
    for (let index = start; index < end; index++) {
      const byte = from[index] ?? 0;
      if (byte === mark) this.byte(mark);
      this.byte(byte);
    }
    this.byte(mark);
  }

  /** A whole number, written as digits. */
  number(value: number): void {
    this.reserve(24);
    this.at += this.buffer.write(String(value), this.at, "latin1");
  }

  separate(): void {
    this.reserve(1);
    this.byte(unit);
  }

  end(): void {
    this.reserve(1);
    this.byte(0x0a);
    this.records++;
  }

  /** Writes what is there to the file, once it is worth a call. */
  async drain(atLeast = 1 << 19): Promise<void> {
    if (this.at < atLeast) return;
    await this.file.writeFile(this.buffer.subarray(0, this.at));
    this.at = 0;
  }

  async close(): Promise<void> {
    try {
      await this.drain(1);
    } finally {
      await this.file.close();
    }
  }
}
