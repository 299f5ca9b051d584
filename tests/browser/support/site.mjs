// Sites of other origins than Signet's: the built app, and pages that mean no good.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** The built app. Its `config` can be changed while it is served. */
export function startApp(config) {
  const site = { config };
  const answer = async ({ url }, response) => {
    const { pathname } = new URL(url, "http://any");
    const path = pathname === "/" ? "/index.html" : pathname;
    response.setHeader("Content-Type", TYPES[extname(path)] ?? "text/plain");
    if (path === "/config.json") return response.end(JSON.stringify(site.config));
    try {
      response.end(await readFile(join(process.env.SPA_BUILD, path)));
    } catch {
      response.writeHead(404).end();
    }
  };
  return listen("127.0.0.1", answer, site);
}

/** An empty page; on `localhost` it is another site than 127.0.0.1, there only another origin. */
export function startHostile(host) {
  return listen(host, (_, response) => {
    response.setHeader("Content-Type", TYPES[".html"]);
    response.end("<!doctype html><title>hostile</title>");
  });
}

async function listen(host, answer, site = {}) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, host, resolve));
  return Object.assign(site, {
    origin: `http://${host}:${server.address().port}`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
}
