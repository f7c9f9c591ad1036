import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { openStorage, type BlobStorage } from "@kopia-engine/kopia-format";
import type { PageResult, PageTask } from "./page.ts";

/** A repository behind HTTP, with the page that reads it. */
export interface ServedRepository extends AsyncDisposable {
  readonly url: string;
  /** What the page posted; pending until it did. */
  readonly result: Promise<PageResult>;
  /** Parts of blobs that were asked for. */
  readonly rangeCount: () => number;
}

/** Serves the blobs of a repository directory, a task, and the page with its script. */
export async function serveRepository(
  path: string,
  page: { readonly password: string; readonly script: string },
): Promise<ServedRepository> {
  const storage = await openStorage({ type: "filesystem", config: { path } }, { readOnly: true });
  const { promise: result, resolve } = Promise.withResolvers<PageResult>();
  let ranges = 0;
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/") {
      response.setHeader("content-type", "text/html");
      response.end(
        '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>',
      );
    } else if (pathname === "/page.js") {
      response.setHeader("content-type", "text/javascript");
      response.end(page.script);
    } else if (pathname === "/task.json") {
      response.end(JSON.stringify(await taskOf(storage, page.password)));
    } else if (pathname === "/result") {
      resolve((await json(request)) as PageResult);
      response.end();
    } else if (pathname.startsWith("/blob/")) {
      const id = decodeURIComponent(pathname.slice("/blob/".length));
      const wanted = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
      const blob = await storage.get(id).catch(() => undefined);
      if (blob === undefined) response.writeHead(404).end();
      else if (wanted === null) response.end(blob);
      else {
        ranges++;
        response.writeHead(206).end(blob.subarray(Number(wanted[1]), Number(wanted[2]) + 1));
      }
    } else response.writeHead(404).end();
  }
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    result,
    rangeCount: () => ranges,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await storage.close();
    },
  };
}

async function taskOf(storage: BlobStorage, password: string): Promise<PageTask> {
  const blobs: PageTask["blobs"][number][] = [];
  for await (const { id, lengthBytes, timestamp } of storage.list(""))
    blobs.push({ id, lengthBytes, timestampNs: String(timestamp) });
  return { password, blobs };
}
