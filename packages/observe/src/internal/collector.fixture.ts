/** A collector on this machine, for tests: keeps what it is sent. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** One request. */
export interface Received {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A server that answers each request as `answer` says: a status, or nothing at all. */
export const collector = (answer: (request: Received) => number | "nothing" = () => 200) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly url: string;
      readonly received: Array<Received>;
      readonly server: http.Server;
    }>((resume) => {
      const received: Array<Received> = [];
      const server = http.createServer((request, response) => {
        const chunks: Array<Buffer> = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const body = Buffer.concat(chunks).toString("utf8");
          const one = { path: request.url ?? "", headers: request.headers, body };
          received.push(one);
          const status = answer(one);
          if (status === "nothing") return;
          response.writeHead(status, { "content-type": "application/json" }).end("{}");
        });
      });
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        const { port } = isAddress(address) ? address : { port: 0 };
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, received, server }));
      });
    }),
    ({ server }) =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            server.closeAllConnections();
            server.close(() => resolve());
          }),
      ),
  );

const isAddress = (address: AddressInfo | string | null): address is AddressInfo =>
  typeof address === "object" && address !== null;

/** A port on which nobody answers. */
export const nobody = Effect.scoped(Effect.map(collector(), ({ url }) => url));

const Attributes = Schema.Array(
  Schema.Struct({ key: Schema.String, value: Schema.Record(Schema.String, Schema.Json) }),
);

/** The attributes of something in OTLP/JSON, by name. */
export const attributesOf = (
  attributes: typeof Attributes.Type,
): { readonly [key: string]: Schema.Json } =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? null] as const),
  );

const Traces = Schema.fromJsonString(
  Schema.Struct({
    resourceSpans: Schema.Array(
      Schema.Struct({
        resource: Schema.Struct({ attributes: Attributes }),
        scopeSpans: Schema.Array(
          Schema.Struct({
            spans: Schema.Array(
              Schema.Struct({
                traceId: Schema.String,
                spanId: Schema.String,
                parentSpanId: Schema.optionalKey(Schema.String),
                name: Schema.String,
                attributes: Attributes,
                status: Schema.Struct({
                  code: Schema.Int,
                  message: Schema.optionalKey(Schema.String),
                }),
                events: Schema.Array(
                  Schema.Struct({ name: Schema.String, attributes: Attributes }),
                ),
              }),
            ),
          }),
        ),
      }),
    ),
  }),
);

/** The spans that were received, in the order of their ends. */
export const spansOf = (received: ReadonlyArray<Received>) =>
  received
    .filter(({ path }) => path === "/v1/traces")
    .flatMap(({ body }) => Schema.decodeUnknownSync(Traces)(body).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map(({ attributes, ...span }) => ({
          ...span,
          attributes: attributesOf(attributes),
          resource: attributesOf(resource.attributes),
        })),
      ),
    );
