// A page of another origin, in headless Chromium: what it sends, what the browser asks first, and what it may read.
import http from "node:http";
import { chromium } from "playwright-core";
import { check, done, equal } from "./checks.mjs";

const [url, executablePath] = process.argv.slice(2);
const server = http.createServer((_, answer) => {
  answer.writeHead(200, { "content-type": "text/html" });
  answer.end("<!doctype html><title>A page</title>");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const { port } = server.address();
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function opened(origin) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(origin);
  return page;
}

// What a page sees of an answer: its status, its body and the headers that it may read; or that it may read nothing.
function ask(page, method, headers, body) {
  return page.evaluate(
    async ([address, options]) => {
      try {
        const answer = await fetch(address, options);
        return { status: answer.status, body: await answer.text(), id: answer.headers.get("x-request-id") };
      } catch (error) {
        return { refused: String(error) };
      }
    },
    [url, { method, headers, body }],
  );
}

const QUERY = JSON.stringify({ query: "{ sources { source } }" });
const ORDINARY = {
  "apollographql-client-name": "web",
  "apollographql-client-version": "1.2.3",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "vendor=1",
  baggage: "sentry-release=1",
  "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
  "x-requested-with": "XMLHttpRequest",
  "cache-control": "no-cache",
  pragma: "no-cache",
  "x-datadog-trace-id": "1",
  "x-gateway-trace": "1",
  "x-request-id": "a-request-of-the-page",
};

const friend = await opened(`http://localhost:${port}`);
for (const [name, value] of Object.entries(ORDINARY)) {
  const answer = await ask(friend, "POST", { "content-type": "application/json", [name]: value }, QUERY);
  equal([answer.refused, answer.status], [undefined, 200], `a page may send ${name}`);
}
const all = await ask(friend, "POST", { "content-type": "application/json", ...ORDINARY }, QUERY);
equal([all.status, all.id], [200, "a-request-of-the-page"], "and all of them at once");
for (const [what, method, headers, body, status] of [
  ["what is no JSON", "POST", { "content-type": "text/plain" }, "x", 415],
  ["what is no request", "POST", { "content-type": "application/json" }, "5", 400],
  ["a document that is too long", "POST", { "content-type": "application/json" }, JSON.stringify({ query: `{ a } #${"x".repeat(200_000)}` }), 200],
]) {
  const answer = await ask(friend, method, headers, body);
  equal([answer.refused, answer.status], [undefined, status], `the page reads the refusal of ${what}`);
  check(JSON.parse(answer.body).errors[0].message, "with its reason");
}
check((await ask(friend, "DELETE", {})).refused, "no other method");

const stranger = await opened(`http://127.0.0.1:${port}`);
check((await ask(stranger, "POST", { "content-type": "application/json" }, QUERY)).refused, "a page of another origin may not");

await browser.close();
server.close();
done();
