// A server on Node.js 20 between a browser and the gateway: it passes the browser's headers on, and unpacks what it knows.
import http from "node:http";
import zlib from "node:zlib";
import { check, done, equal } from "./checks.mjs";

const url = new URL(process.argv[2]);
const UNPACK = { br: zlib.brotliDecompressSync, gzip: zlib.gunzipSync, deflate: zlib.inflateSync }; // no zstd before 22.15
const BROWSER = {
  accept: "application/graphql-response+json, application/json",
  "accept-encoding": "gzip, deflate, br, zstd",
  "accept-language": "de-DE,de;q=0.9,en;q=0.8",
  "content-type": "application/json",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "sec-fetch-site": "same-origin",
  "sec-fetch-mode": "cors",
  "sec-ch-ua": '"Chromium";v="140"',
  cookie: "session=somebody",
  priority: "u=1, i",
};
const LIST = "query Page($first: Int) { meetings(first: $first) { nodes { id title startTime attendees { email name } } } }";

function ask(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: url.hostname, port: url.port, path, method, headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// What a handler of such a server does: the answer's coding undone, whatever it knows of it.
async function proxied(body, headers = {}) {
  const answer = await ask("POST", url.pathname, { ...BROWSER, ...headers, "content-length": body.length }, body);
  const coding = answer.headers["content-encoding"];
  const unpack = coding === undefined ? (bytes) => bytes : UNPACK[coding];
  check(unpack !== undefined, `${coding ?? "no coding"} is one that it knows`);
  return { ...answer, json: JSON.parse(unpack(answer.body).toString("utf8")) };
}

const long = Buffer.from(JSON.stringify({ query: LIST, variables: { first: 50 } }));
const through = await proxied(long);
equal([through.status, through.json.data.meetings.nodes.length], [200, 50], "a long answer arrives");
equal(through.headers["content-encoding"], "br", "packed, by what both know");
for (const [accepted, coding] of [["gzip, deflate, br", "br"], ["gzip, deflate, zstd", "gzip"], ["zstd", undefined], ["identity", undefined]]) {
  const answer = await proxied(long, { "accept-encoding": accepted });
  equal([answer.headers["content-encoding"], answer.json.data.meetings.nodes.length], [coding, 50], `asked for ${accepted}`);
}

const packed = await proxied(zlib.gzipSync(long), { "content-encoding": "gzip" });
equal(packed.json.data.meetings.nodes.length, 50, "a request that is packed by gzip is read");

const fetched = await fetch(url, { method: "POST", headers: BROWSER, body: long });
equal((await fetched.json()).data.meetings.nodes.length, 50, "fetch with a browser's Accept-Encoding");

const empty = await proxied(Buffer.from(JSON.stringify({ query: LIST, operationName: "", variables: "", extensions: "" })));
equal([empty.status, "errors" in empty.json], [200, false], "empty members are none");

const query = `?query=${encodeURIComponent("{ sources { source } }")}&utm_source=a&utm_source=b`;
const got = await ask("GET", url.pathname + query, { accept: BROWSER.accept });
equal(JSON.parse(got.body).data.sources.length > 0, true, "parameters of others may come twice");
done();
