// GraphiQL beyond the first minute: links that fill a tab, the waterfall, keyboards, phones, and another key.
import { chromium } from "playwright-core";
import { faults } from "./axe.mjs";
import { check, done, equal } from "./checks.mjs";

const [url, executablePath, screenshots] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

async function open(address = url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto(address);
  await page.getByRole("button", { name: /Execute query/ }).waitFor();
  return page;
}

async function run(page) {
  const answered = page.waitForResponse((response) => /"query":"(?!\\n    query IntrospectionQuery)/.test(response.request().postData() ?? ""));
  await page.getByRole("button", { name: /Execute query/ }).click();
  const answer = await (await answered).json();
  await page.locator(".graphiql-footer .upstream-summary:not([hidden])").waitFor();
  return answer;
}

const editor = (page, name) => page.locator(`section[aria-label="${name}"] .graphiql-editor:not(.hidden) .CodeMirror`);
const read = (page, name) => editor(page, name).evaluate((element) => element.CodeMirror.getValue());
const write = (page, name, text) => editor(page, name).evaluate((element, value) => element.CodeMirror.setValue(value), text);
const query = (page) => page.locator(".graphiql-query-editor .CodeMirror").evaluate((element) => element.CodeMirror.getValue());

// A link fills a tab.
const document = "query A { __typename } query B($n: Int) { meetings(first: $n) { nodes { title person { name } } } }";
const parameters = new URLSearchParams({ query: document, variables: '{"n": 2}', operationName: "B" });
const linked = await open(`${url}?${parameters}`);
equal(await query(linked), document, "a link's query is in the tab");
equal(JSON.parse(await read(linked, "Variables")), { n: 2 }, "and its variables");
const slash = await open(`${url}/?${parameters}`);
equal(await query(slash), document, "also where the address ends in a slash");

// The panel is a waterfall, with the plan beside it.
const page = await open();
const answer = await run(page);
await page.getByRole("button", { name: "Show Upstream calls" }).click();
const { requests, waves } = answer.extensions.upstream;
const shown = await page.locator(".upstream-calls tbody").count();
equal(shown, new Set(requests.map((request) => request.wave)).size, "a group for each wave");
check(waves > 1, `there are several waves: ${waves}`);
const lefts = await page.locator(".upstream-calls .bar").evaluateAll((bars) => bars.map((bar) => parseFloat(bar.style.marginLeft)));
check(lefts[0] === 0 && Math.max(...lefts) > 0, "bars start when their calls did");
check((await page.locator(".upstream-plan pre").textContent()).includes("level 1"), "the plan is beside it");
equal(Object.keys(answer.extensions.upstream.bySource), ["SALESLOFT", "DRIFT", "CALENDLY"].filter((name) => name in answer.extensions.upstream.bySource), "sources in one order");
if (screenshots) await page.screenshot({ path: `${screenshots}/waterfall.png` });

// A new tab starts with something to run; the docs say what the graph is.
await page.getByRole("button", { name: "New tab" }).click();
check((await query(page)).includes("query Meetings"), "a new tab has a query");
await page.waitForFunction(() => document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror.operationName === "Meetings");
equal((await run(page)).errors, undefined, "that works as it stands");
const comments = await page.evaluate(() => JSON.parse(document.getElementById("graphiql").dataset.config).tabs.flatMap((tab) => tab.query.split("\n").filter((line) => line.startsWith("#"))));
check(comments.every((line) => line.length <= 50), "comments fit");

// What changes is shown as it happens, until it is stopped.
await page.getByRole("tab", { name: "Live" }).click();
await page.waitForFunction(() => document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror.operationName === "Live");
await page.getByRole("button", { name: /Execute query/ }).click();
await page.locator(".result-window").getByText("READY").waitFor();
await page.getByRole("button", { name: /Stop query/ }).click();
await page.getByRole("button", { name: /Execute query/ }).waitFor();
check(true, "a subscription is ready, and ends");

// An empty key is no key; after one is typed, the schema is asked for anew with it.
await page.getByRole("button", { name: "Headers" }).click();
const bare = page.waitForRequest((request) => request.postData()?.includes("subscription Live"));
await write(page, "Headers", '{"X-API-Key": ""}');
await page.getByRole("button", { name: /Execute query/ }).click();
equal((await bare).headers()["x-api-key"], undefined, "an empty key is not sent");
const again = page.waitForRequest((request) => request.postData()?.includes("IntrospectionQuery"));
await write(page, "Headers", '{"X-API-Key": "another"}');
equal((await again).headers()["x-api-key"], "another", "the schema is fetched anew with the key");

// Accessible but for what is CodeMirror's own, and the close buttons within GraphiQL's tabs.
equal(await faults(page, [".CodeMirror", ".graphiql-tabs"]), [], "axe-core finds no serious fault in the shell");
equal(await page.locator(".CodeMirror textarea:not([aria-label])").count(), 0, "editors have names");

// Keyboard alone.
const keys = await open();
await keys.keyboard.press("Tab");
equal(await keys.evaluate(() => document.activeElement.textContent), "Skip to the play button", "the first stop");
await keys.keyboard.press("Enter");
check(await keys.evaluate(() => document.activeElement.matches(".graphiql-execute-button")), "leads to play");
await keys.keyboard.press("Enter");
await keys.locator(".graphiql-footer .upstream-summary:not([hidden])").waitFor();
check(true, "which runs the query");
await keys.locator(".graphiql-query-editor .CodeMirror").click();
await keys.keyboard.press("Escape");
check(await keys.evaluate(() => document.activeElement.matches(".graphiql-execute-button")), "Escape leaves the editor");
await keys.getByRole("button", { name: "Skip to the answer" }).press("Enter");
check(await keys.evaluate(() => document.activeElement.matches(".result-window")), "a link leads to the answer");
await keys.getByRole("button", { name: "Skip to upstream calls" }).press("Enter");
await keys.keyboard.press("Enter");
await keys.getByRole("region", { name: "Upstream calls" }).waitFor();
check(true, "another to the panel");
equal(await keys.locator('.graphiql-footer [role="status"]').count(), 1, "what it took is read out");

// A phone.
const phone = await open(url, { viewport: { width: 375, height: 700 }, isMobile: true, hasTouch: true });
await run(phone);
const box = await phone.locator(".result-window").boundingBox();
check(box.width > 300, `the answer is ${box.width} px wide`);
check((await phone.evaluate(() => document.documentElement.scrollWidth)) <= 375, "nothing is cut off at the side");
if (screenshots) await phone.screenshot({ path: `${screenshots}/graphiql-phone.png`, fullPage: true });

const icon = await page.locator('link[rel="icon"]').getAttribute("href");
check(icon.startsWith("data:image/svg+xml,"), "there is a favicon");
await browser.close();
done();
