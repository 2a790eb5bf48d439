/**
 * Cuts the bytes of a JSON file into values and writes them to a spool, each with its line number: one
 * value a line, or the elements of one array. Whether a value is valid is asked of DuckDB afterwards.
 */
import { isUtf8 } from "node:buffer";
import type { Sink } from "./csvRecords.ts";
import { mark, maxRecordBytes, unit } from "./SpoolWriter.ts";

const LF = 0x0a;
const CR = 0x0d;
const space = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x09 || byte === LF || byte === CR;

/** What both cutters share: where values go, and how they are counted. */
abstract class JsonRecords {
  /** Values, readable or not. */
  records = 0;
  blank = 0;
  protected readonly sink: Sink;
  protected rest: Buffer = Buffer.alloc(0);
  protected line = 1;
  /** Whether a value can have bytes that mean something in a spool. */
  protected mayBeSpecial = true;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  abstract push(bytes: Buffer): void;
  abstract end(): void;

  protected value(bytes: Buffer, start: number, end: number, problem = ""): void {
    this.records++;
    const utf8 = problem === "" && isUtf8(bytes.subarray(start, end));
    const to = utf8 ? this.sink.rows : this.sink.rejects;
    to.number(this.records);
    to.separate();
    to.number(this.line);
    to.separate();
    if (!utf8) {
      const shown = end - start > maxRecordBytes ? start + 1000 : end;
      to.text(bytes.toString("utf8", start, shown));
      to.separate();
      to.text(problem || "not UTF-8 text");
    } else {
      to.reserve((end - start) * 2 + 8);
      if (this.mayBeSpecial && hasSpecial(bytes, start, end)) to.quoted(bytes, start, end);
      else to.bytes(bytes, start, end);
    }
    to.end();
  }
}

const hasSpecial = (bytes: Buffer, start: number, end: number): boolean => {
  for (let index = start; index < end; index++) {
    const byte = bytes[index];
    if (byte === unit || byte === mark || byte === LF || byte === CR) return true;
  }
  return false;
};

/** One value a line, as in NDJSON. */
export class JsonLines extends JsonRecords {
  private long = false;

  push(bytes: Buffer): void {
    this.scan(this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]), false);
  }

  end(): void {
    this.scan(this.rest, true);
  }

  private scan(bytes: Buffer, last: boolean): void {
    let at = 0;
    this.mayBeSpecial = [unit, mark, CR].some((byte) => bytes.includes(byte));
    while (at < bytes.length) {
      const found = bytes.indexOf(LF, at);
      const tooLong = (found < 0 ? bytes.length : found) - at > maxRecordBytes;
      if (found < 0 && !last && !tooLong && !this.long) break;
      const end = found < 0 ? bytes.length : found;
      if (!this.long) this.take(bytes, at, end, tooLong);
      this.long = found < 0 && !last;
      if (found >= 0) this.line++;
      at = found < 0 ? bytes.length : found + 1;
    }
    this.rest = Buffer.from(bytes.subarray(at));
  }

  private take(bytes: Buffer, start: number, end: number, tooLong: boolean): void {
    let [from, to] = [start, end];
    while (from < to && space(bytes[from])) from++;
    while (to > from && space(bytes[to - 1])) to--;
    if (from === to) this.blank++;
    else this.value(bytes, from, to, tooLong ? longer : "");
  }
}

const longer = `longer than ${maxRecordBytes / 1024 / 1024} MiB`;

/** The elements of one array, however it is laid out. */
export class JsonArray extends JsonRecords {
  /** What is wrong with the array around its elements, if something is. */
  problem: string | undefined;
  private state: "before" | "first" | "element" | "next" | "after" = "before";
  private depth = 0;
  private text = false;
  private escaped = false;
  /** Where the scan goes on in `rest`, and where the element in it begins. */
  private at = 0;
  private start = 0;
  /** The line that `at` is on. */
  private now = 1;
  private long = false;

  push(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (; this.at < bytes.length && this.problem === undefined; this.at++) {
      this.byte(bytes, bytes[this.at] ?? 0);
    }
    const keep = this.state === "element" ? this.start : this.at;
    if (this.state === "element" && this.at - keep > maxRecordBytes) {
      if (!this.long) this.value(bytes, this.start, this.at, longer);
      this.long = true;
      this.rest = Buffer.alloc(0);
      [this.start, this.at] = [0, 0];
      return;
    }
    this.rest = Buffer.from(bytes.subarray(keep));
    this.at -= keep;
    this.start = 0;
  }

  end(): void {
    if (this.problem !== undefined || this.state === "after") return;
    this.problem = `it ends on line ${this.now} before the array does, so it was cut off`;
  }

  private byte(bytes: Buffer, byte: number): void {
    if (this.state === "element") this.inside(bytes, byte);
    else this.between(byte);
    if (byte === LF) this.now++;
  }

  private between(byte: number): void {
    if (space(byte)) return;
    const fails = (expected: string) => {
      this.problem = `on line ${this.now} expected ${expected}, found "${String.fromCharCode(byte)}"`;
    };
    switch (this.state) {
      case "before":
        if (byte !== 0x5b) fails("[");
        this.state = "first";
        return;
      case "after":
        return fails("nothing after the array");
      case "first":
      case "next":
        if (byte === 0x5d && this.state === "first") {
          this.state = "after";
          return;
        }
        this.state = "element";
        this.start = this.at;
        this.line = this.now;
        [this.depth, this.text, this.escaped, this.long] = [0, false, false, false];
        // The element may be a single character, and end with the next.
        this.at--;
        return;
    }
  }

  private inside(bytes: Buffer, byte: number): void {
    if (this.text) {
      if (this.escaped) this.escaped = false;
      else if (byte === 0x5c) this.escaped = true;
      else if (byte === 0x22) this.text = false;
      return;
    }
    if (byte === 0x22) this.text = true;
    else if (byte === 0x7b || byte === 0x5b) this.depth++;
    else if (this.depth === 0 && (byte === 0x2c || byte === 0x5d)) {
      let end = this.at;
      while (end > this.start && space(bytes[end - 1])) end--;
      if (!this.long) this.value(bytes, this.start, end, end === this.start ? "no value" : "");
      this.state = byte === 0x2c ? "next" : "after";
    } else if (byte === 0x7d || byte === 0x5d) this.depth--;
  }
}
