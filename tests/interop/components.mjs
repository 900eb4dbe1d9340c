// A built page of docs/clients.md in a browser: loading, a list, more of it, a page that fails, a source that is missing, no answer at all.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { check, done, equal } from "./checks.mjs";

const [url, executablePath, folder] = process.argv.slice(2);
const TYPES = { html: "text/html", js: "text/javascript", css: "text/css" };
const CORS = { "access-control-allow-origin": "*" };
const FAILED = { data: { meetings: null }, errors: [{ message: "Every source failed.", path: ["meetings"], extensions: { code: "UPSTREAM_UNAVAILABLE" } }] };
const MISSING = { __typename: "SourceReport", source: "DRIFT", status: "FAILED", message: "The source does not answer." };

const server = createServer(async (request, response) => {
  const name = request.url === "/" ? "/index.html" : request.url;
  response.setHeader("content-type", TYPES[name.split(".").at(-1)] ?? "text/plain");
  response.end(await readFile(join(folder, name)).catch(() => ""));
});
await new Promise((resolve) => server.listen(0, "localhost", resolve));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

// How the gateway's next answers reach the page: a function of Playwright's route.
const passed = (route) => route.continue();
const refused = (route) => route.abort();
const failed = (route) => route.fulfill({ headers: CORS, contentType: "application/graphql-response+json", body: JSON.stringify(FAILED) });
async function partial(route) {
  const answer = await route.fetch();
  const body = await answer.json();
  body.data.meetings.sourceReports = [MISSING];
  await route.fulfill({ response: answer, json: body });
}

async function open(answered) {
  const page = await browser.newPage();
  const gateway = { answered };
  const uncaught = [];
  page.on("pageerror", (error) => uncaught.push(String(error)));
  await page.route(url, (route) => (route.request().method() === "POST" ? gateway.answered(route) : route.continue()));
  await page.goto(`http://localhost:${server.address().port}`);
  return { page, gateway, uncaught };
}

const rows = (page) => page.locator("li").count();
const grown = (page, count) => page.waitForFunction((wanted) => document.querySelectorAll("li").length === wanted, count);
const more = (page) => page.getByRole("button", { name: "More" }).click();

let answer;
const held = new Promise((resolve) => (answer = resolve));
const { page, gateway, uncaught } = await open(async (route) => {
  await held;
  await route.continue();
});
await page.getByText("Loading …").waitFor();
check(true, "it says that it is loading");
answer();
await grown(page, 10);
equal(await page.getByRole("alert").count(), 0, "ten meetings, and nothing to warn of");
gateway.answered = passed;
await more(page);
await grown(page, 20);
check(true, "then twenty");

for (const [answered, words] of [[failed, "Every source failed."], [refused, "Failed to fetch"]]) {
  const before = await rows(page);
  gateway.answered = answered;
  await more(page);
  await page.getByRole("alert").getByText(words).waitFor();
  equal(await rows(page), before, `a page that fails is said, and leaves the others: ${words}`);
  gateway.answered = passed;
  await more(page);
  await grown(page, before + 10);
  await page.getByRole("alert").waitFor({ state: "detached" });
  check(true, "asked again, it comes");
}
equal(uncaught, [], "no error is left uncaught");

const short = await open(partial);
await short.page.getByText(`DRIFT: ${MISSING.message}`).waitFor();
equal(await rows(short.page), 10, "a source that is missing is named beside the rows of the others");

const empty = await open(failed);
await empty.page.getByRole("alert").getByText("Every source failed.").waitFor();
check(true, "where nothing answers, the page says so");
await browser.close();
server.close();
done();
