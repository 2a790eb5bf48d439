/** A headless Chromium that opens one page at a time, spoken to over a pipe. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Readable, Writable } from "node:stream";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The browser of this machine. A report that nobody opened is not tested, so there is no skipping. */
export const findChromium = (env: NodeJS.ProcessEnv = process.env): string => {
  const folders = (env["PATH"] ?? "").split(delimiter);
  const places = [
    env["CHROMIUM"] ?? "",
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
  ];
  const found = places.find((place) => place !== "" && existsSync(place));
  if (found === undefined) {
    throw new Error(
      `no Chromium on this machine (looked for ${names.join(", ")} on PATH, and at $CHROMIUM). Install it, on Debian with "apt-get install chromium", or set CHROMIUM to its path.`,
    );
  }
  return found;
};

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

type Message = Readonly<Record<string, unknown>>;

/** How a page is looked at. */
export interface View {
  readonly width: number;
  readonly scheme: "light" | "dark";
  /** `print`: as it comes out on paper. Default: a screen. */
  readonly media?: "print";
}

/** A browser that is running. */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #send: Writable;
  readonly #waiting = new Map<number, PromiseWithResolvers<Message>>();
  #ended: string | undefined;
  #session: string | undefined;
  #id = 0;
  #loaded = () => {};
  /** What the page complained about since it was opened. */
  complaints: Array<string> = [];

  constructor(program: string) {
    this.#profile = mkdtempSync(join(tmpdir(), "ml-pipe-report-"));
    this.#process = spawn(program, [...flags, `--user-data-dir=${this.#profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    const [, , , send, receive] = this.#process.stdio;
    if (!(send instanceof Writable) || !(receive instanceof Readable)) {
      throw new Error("Chromium has no pipe");
    }
    this.#send = send;
    const end = (why: string) => {
      this.#ended = `Chromium (${program}) ended: ${why}`;
      for (const { reject } of this.#waiting.values()) reject(new Error(this.#ended));
      this.#waiting.clear();
    };
    this.#process.once("error", (error) => end(error.message));
    this.#process.once("exit", (code) => end(`exit code ${code}`));
    // Writing to a browser that ended is an error that the exit explains better.
    send.on("error", () => {});
    let buffer = "";
    receive.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (buffer + chunk).split("\0");
      buffer = parts.pop() ?? "";
      for (const part of parts) this.#receive(object(JSON.parse(part)));
    });
  }

  #receive(message: Message): void {
    const params = object(message["params"]);
    if (typeof message["id"] === "number") {
      this.#waiting.get(message["id"])?.resolve(message);
      this.#waiting.delete(message["id"]);
    } else if (message["method"] === "Page.loadEventFired") this.#loaded();
    else if (message["method"] === "Log.entryAdded") {
      const entry = object(params["entry"]);
      if (entry["level"] !== "verbose") this.complaints.push(String(entry["text"]));
    } else if (
      message["method"] === "Runtime.consoleAPICalled" ||
      message["method"] === "Runtime.exceptionThrown"
    ) {
      this.complaints.push(JSON.stringify(params));
    } else if (message["method"] === "Network.requestWillBeSent") {
      const { url } = object(params["request"]);
      if (!String(url).startsWith("file:")) this.complaints.push(`asked for ${String(url)}`);
    }
  }

  async #call(method: string, params: Message = {}): Promise<Message> {
    const id = ++this.#id;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    if (this.#ended !== undefined) throw new Error(this.#ended);
    const answer = Promise.withResolvers<Message>();
    this.#waiting.set(id, answer);
    this.#send.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const message = await answer.promise;
    if (message["error"] !== undefined) {
      throw new Error(`Chromium: ${method}: ${JSON.stringify(message["error"])}`);
    }
    return object(message["result"]);
  }

  /** Starts the browser with one empty page. */
  static async start(): Promise<Chromium> {
    const browser = new Chromium(findChromium());
    try {
      const { targetId } = await browser.#call("Target.createTarget", { url: "about:blank" });
      const attached = await browser.#call("Target.attachToTarget", { targetId, flatten: true });
      browser.#session = String(attached["sessionId"]);
      for (const domain of ["Page", "Log", "Runtime", "Network"]) {
        await browser.#call(`${domain}.enable`);
      }
      return browser;
    } catch (error) {
      await browser.stop();
      throw error;
    }
  }

  /** Opens a file and waits until it is loaded. */
  async open(url: string, { width, scheme, media }: View): Promise<void> {
    this.complaints = [];
    await this.#call("Emulation.setDeviceMetricsOverride", {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    await this.#call("Emulation.setEmulatedMedia", {
      media: media ?? "",
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
    const loaded = new Promise<void>((resolve) => {
      this.#loaded = resolve;
    });
    await this.#call("Page.navigate", { url });
    await loaded;
  }

  /** The JSON value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return object(result)["value"];
  }

  /** A picture (PNG) of the whole page, or of a part of it. */
  async picture(part?: { readonly y: number; readonly height: number }): Promise<Buffer> {
    const width = Number(await this.evaluate("innerWidth"));
    const height = Number(await this.evaluate("document.documentElement.scrollHeight"));
    const clip = { x: 0, y: part?.y ?? 0, width, height: part?.height ?? height, scale: 1 };
    const { data } = await this.#call("Page.captureScreenshot", {
      captureBeyondViewport: true,
      clip,
    });
    return Buffer.from(String(data), "base64");
  }

  /** Ends the browser that this object started. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#session = undefined;
    if (this.#ended === undefined) {
      await this.#call("Browser.close").catch(() => undefined);
      await ended;
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const object = (value: unknown): Message =>
  typeof value === "object" && value !== null ? { ...value } : {};
