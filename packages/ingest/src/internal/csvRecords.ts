/**
 * Cuts the bytes of a CSV file into records and writes them to a spool, each with its line number. What
 * is not a record of the expected number of fields is set aside with the reason: every record of the
 * file ends up in one place or the other.
 */
import { isUtf8 } from "node:buffer";
import { mark, maxRecordBytes, type SpoolWriter, unit } from "./SpoolWriter.ts";

/** How a CSV file is written; all decided before the first record is read. */
export interface Dialect {
  /** One ASCII character. */
  readonly delimiter: string;
  readonly quote: string;
  /** What makes a quote inside quotes literal: the quote itself, or a character such as a backslash. */
  readonly escape: string;
  /** Lines that begin with it are no records. Empty: none. */
  readonly comment: string;
  /** Whether spaces and tabs around a field without quotes belong to the file's layout. */
  readonly trim: boolean;
}

/** Where records go. */
export interface Sink {
  readonly rows: SpoolWriter;
  readonly rejects: SpoolWriter;
}

/** A record does not end in the bytes there are. */
const incomplete = -1;
/** A record does not end at all. */
const unclosed = -2;

const LF = 0x0a;
const CR = 0x0d;

/** A cutter of records. `push` takes the next bytes, `end` what is left. Without a sink, for the header only. */
export class CsvRecords {
  /** The names in the first record, once it is read. */
  header: ReadonlyArray<string> | undefined;
  /** Records after the header, readable or not. */
  records = 0;
  blank = 0;
  comments = 0;

  private readonly dialect: Dialect;
  private readonly sink: Sink | undefined;
  private readonly delimiter: number;
  private readonly quote: number;
  private readonly escape: number;
  private readonly comment: number;
  /** What a byte means outside quotes: 0 nothing, 1 end of field or record, 2 a mark of the spool. */
  private readonly kind = new Uint8Array(256);
  private rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  /** Number of the line that begins at `rest`, from 1. */
  private line = 1;
  private skip: number;
  /** Start, end and whether it was quoted (1) and has escapes (2), for each field of a record. */
  private fields = new Int32Array(3 * 64);
  private count = 0;
  private problem = "";
  /** Whether the record has no quotes, so that it is one line. */
  private plain = true;
  /** Whether the rest of a line whose record was set aside is still to come. */
  private long = false;

  constructor(
    dialect: Dialect,
    sink: Sink | undefined,
    options: { readonly header: ReadonlyArray<string> | undefined; readonly skip: number },
  ) {
    this.dialect = dialect;
    this.sink = sink;
    this.header = options.header;
    this.skip = options.skip;
    const code = (text: string) => (text === "" ? -1 : text.charCodeAt(0));
    this.delimiter = code(dialect.delimiter);
    this.quote = code(dialect.quote);
    this.escape = code(dialect.escape);
    this.comment = code(dialect.comment);
    for (const byte of [this.delimiter, LF, CR]) this.kind[byte] = 1;
    for (const byte of [unit, mark]) if (this.kind[byte] === 0) this.kind[byte] = 2;
  }

  push(bytes: Buffer): void {
    this.scan(this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]), false);
  }

  end(): void {
    this.scan(this.rest, true);
  }

  private scan(bytes: Buffer, last: boolean): void {
    const whole = last ? bytes.length : bytes.lastIndexOf(LF) + 1;
    const valid = isUtf8(bytes.subarray(0, whole));
    let at = 0;
    while (at < bytes.length && (this.sink !== undefined || this.header === undefined)) {
      if (this.long || this.skip > 0 || bytes[at] === this.comment) {
        const next = lineEnd(bytes, at, last);
        if (next < 0 && !this.long) break;
        if (next < 0) at = bytes.length;
        else {
          if (this.long) this.long = false;
          else if (this.skip > 0) this.skip--;
          else this.comments++;
          this.line++;
          at = next;
        }
        continue;
      }
      let next = this.cut(bytes, at, last);
      const tooLong = (next < 0 ? bytes.length : next) - at > maxRecordBytes;
      if (next === incomplete && !tooLong) break;
      if (tooLong) this.problem ||= `longer than ${maxRecordBytes / 1024 / 1024} MiB`;
      const lines = this.plain ? 1 : countLines(bytes, at, next);
      // A record that does not end within reason ends with its first line: the next ones may be good.
      const broken = next < 0 || tooLong;
      if (broken) next = lineEnd(bytes, at, last);
      this.long = next < 0;
      if (next < 0) next = bytes.length;
      this.record(bytes, at, next, valid && next <= whole);
      if (!this.long) this.line += broken ? 1 : lines;
      at = next;
    }
    // Copied: the source may reuse what it gave.
    this.rest = at === 0 && !last ? bytes : Buffer.from(bytes.subarray(at));
  }

  /** Finds the fields of the record at `at`; where the next one begins, if this one ends. */
  private cut(bytes: Buffer, at: number, last: boolean): number {
    const { delimiter, quote, escape, kind } = this;
    const { length } = bytes;
    this.count = 0;
    this.plain = true;
    this.problem = "";
    let index = at;
    for (;;) {
      while (this.space(bytes[index])) index++;
      if (index < length && bytes[index] === quote && quote >= 0) {
        this.plain = false;
        let flags = 1;
        let close = index + 1;
        for (;;) {
          close =
            escape === quote ? bytes.indexOf(quote, close) : closing(bytes, close, quote, escape);
          if (close < 0) {
            if (!last && length - at <= maxRecordBytes) return incomplete;
            this.problem = "a quote is opened and never closed";
            return unclosed;
          }
          if (escape !== quote) {
            flags = 3;
            break;
          }
          if (close + 1 >= length && !last) return incomplete;
          if (bytes[close + 1] !== quote) break;
          flags = 3;
          close += 2;
        }
        this.field(index + 1, close, flags);
        index = close + 1;
        while (this.space(bytes[index])) index++;
        const after = bytes[index];
        if (index < length && after !== delimiter && after !== LF && after !== CR) {
          this.problem ||= "text after a closing quote";
          while (index < length && kind[bytes[index] ?? 0] !== 1) index++;
        }
      } else {
        const start = index;
        let flags = 0;
        for (; index < length; index++) {
          const what = kind[bytes[index] ?? 0];
          if (what === 0) continue;
          if (what === 1) break;
          flags = 1;
        }
        let end = index;
        while (end > start && this.space(bytes[end - 1])) end--;
        this.field(start, end, flags);
      }
      if (index >= length) return last ? length : incomplete;
      const stop = bytes[index];
      if (stop === delimiter) {
        index++;
        if (index >= length && !last) return incomplete;
        continue;
      }
      if (stop === LF) return index + 1;
      if (index + 1 >= length && !last) return incomplete;
      return bytes[index + 1] === LF ? index + 2 : index + 1;
    }
  }

  /** Whether a byte around a field belongs to the file's layout. */
  private space(byte: number | undefined): boolean {
    if (!this.dialect.trim) return false;
    return byte === 0x20 || (byte === 0x09 && this.delimiter !== 0x09);
  }

  private field(start: number, end: number, flags: number): void {
    const at = this.count * 3;
    if (at + 3 > this.fields.length) {
      const larger = new Int32Array(this.fields.length * 2);
      larger.set(this.fields);
      this.fields = larger;
    }
    this.fields[at] = start;
    this.fields[at + 1] = end;
    this.fields[at + 2] = flags;
    this.count++;
  }

  /** Writes the record that was cut, or sets it aside. */
  private record(bytes: Buffer, start: number, next: number, valid: boolean): void {
    const only = this.count === 1 && this.problem === "" && this.fields[2] === 0;
    const empty = only && this.fields[0] === this.fields[1];
    if (empty && this.header?.length !== 1) {
      this.blank++;
      return;
    }
    if (!valid && !isUtf8(bytes.subarray(start, next))) this.problem ||= "not UTF-8 text";
    if (this.header === undefined) {
      this.header = Array.from({ length: this.count }, (_, index) => this.textOf(bytes, index));
      return;
    }
    if (this.sink === undefined) return;
    this.records++;
    const expected = this.header.length;
    if (this.problem === "" && this.count !== expected) {
      const fields = (count: number) => (count === 1 ? "1 field" : `${count} fields`);
      this.problem = `expected ${fields(expected)}, found ${this.count}`;
    }
    if (this.problem !== "") {
      this.reject(this.sink.rejects, bytes, start, next);
      return;
    }
    const { rows } = this.sink;
    rows.number(this.line);
    rows.reserve((next - start) * 2 + 4 * expected + 8);
    for (let index = 0; index < expected; index++) {
      rows.byte(unit);
      const from = this.fields[index * 3] ?? 0;
      const to = this.fields[index * 3 + 1] ?? 0;
      const flags = this.fields[index * 3 + 2];
      if (flags === 0) rows.bytes(bytes, from, to);
      else if (flags === 1) rows.quoted(bytes, from, to);
      else rows.text(this.textOf(bytes, index));
    }
    rows.end();
  }

  private reject(rejects: SpoolWriter, bytes: Buffer, start: number, next: number): void {
    rejects.number(this.line);
    rejects.separate();
    rejects.number(this.line);
    rejects.separate();
    const shown = next - start > maxRecordBytes ? start + 1000 : next;
    rejects.text(bytes.toString("utf8", start, shown).replace(/\r?\n$|\r$/, ""));
    rejects.separate();
    rejects.text(this.problem);
    rejects.end();
  }

  /** The text of a field, without its quotes and escapes. */
  private textOf(bytes: Buffer, index: number): string {
    const at = index * 3;
    const text = bytes.toString("utf8", this.fields[at], this.fields[at + 1]);
    if (this.fields[at + 2] !== 3) return text;
    const { quote, escape } = this.dialect;
    const unquoted = text.replaceAll(`${escape}${quote}`, quote);
    return escape === quote ? unquoted : unquoted.replaceAll(`${escape}${escape}`, escape);
  }
}

/** The quote that closes, where another character escapes it; -1 if it is not there. */
const closing = (bytes: Buffer, from: number, quote: number, escape: number): number => {
  for (let index = from; index < bytes.length; index++) {
    if (bytes[index] === escape) index++;
    else if (bytes[index] === quote) return index;
  }
  return -1;
};

/** Where the next line begins, or -1 if this one does not end here. */
const lineEnd = (bytes: Buffer, at: number, last: boolean): number => {
  for (let index = at; index < bytes.length; index++) {
    if (bytes[index] === LF) return index + 1;
    if (bytes[index] === CR) {
      if (index + 1 < bytes.length) return bytes[index + 1] === LF ? index + 2 : index + 1;
      return last ? index + 1 : -1;
    }
  }
  return last ? bytes.length : -1;
};

const countLines = (bytes: Buffer, from: number, to: number): number => {
  let lines = 0;
  for (let index = from; index < to; index++) {
    if (bytes[index] === LF || (bytes[index] === CR && bytes[index + 1] !== LF)) lines++;
  }
  return Math.max(1, lines);
};
