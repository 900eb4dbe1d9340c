// A person's first minutes in GraphiQL, in headless Chromium with every outside name blocked.
import { chromium } from "playwright-core";
import { check, done, equal } from "./checks.mjs";

const [url, executablePath, screenshots] = process.argv.slice(2);
const origin = new URL(url).origin;
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  ],
});
const complaints = [];
const outside = [];

async function open(colorScheme) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme });
  const page = await context.newPage();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => request.url().startsWith(origin) || /^(data|blob):/.test(request.url()) || outside.push(request.url()));
  await page.goto(url);
  await page.getByRole("button", { name: /Execute query/ }).waitFor();
  return page;
}

async function run(page) {
  const answered = page.waitForResponse((response) => response.request().postData()?.includes("query NextMeetings"));
  await page.getByRole("button", { name: /Execute query/ }).click();
  const answer = await (await answered).json();
  await page.locator(".graphiql-footer .upstream-summary").waitFor();
  return answer;
}

const editor = (page, name) => page.locator(`section[aria-label="${name}"] .graphiql-editor:not(.hidden) .CodeMirror`);
const write = (page, name, text) => editor(page, name).evaluate((element, value) => element.CodeMirror.setValue(value), text);
const read = (page, name) => editor(page, name).evaluate((element) => element.CodeMirror.getValue());

const page = await open("light");
const tabs = await page.locator(".graphiql-tab-button").allTextContents();
equal(tabs, ["NextMeetings", "OnePerson", "OneCadence", "SourcesAndCost", "ASourceIsDown", "Live"], "the starting tabs");
const variables = JSON.parse(await read(page, "Variables"));
equal(variables.first, 20, "the variables are filled in");

const first = await run(page);
equal(first.errors, undefined, "the first query works as it stands");
equal(first.data.meetings.nodes.length, 20, "twenty meetings");
const summary = await page.locator(".graphiql-footer .upstream-summary").textContent();
check(/^\d+ upstream calls \(.*SALESLOFT \d+.*\) · \d+ units of \d+ expected · \d+ waves · \d+ from the cache$/.test(summary), `the trace beside it: ${summary}`);

await page.getByRole("button", { name: "Show Upstream calls" }).click();
const endpoints = await page.locator(".upstream-calls tr:has(.bar)").allTextContents();
const { requests } = first.extensions.upstream;
const saved = requests.filter(({ cache }) => cache !== "miss").map(({ wave, source, endpoint, cache }) => [wave, source, endpoint, cache].join());
const wanted = requests.filter(({ cache }) => cache === "miss").length + new Set(saved).size;
equal(endpoints.length, wanted, "a row for each call, and one for what equal look-ups found in the cache");
if (screenshots) await page.screenshot({ path: `${screenshots}/graphiql-light.png` });

await write(page, "Variables", JSON.stringify({ ...variables, after: first.data.meetings.pageInfo.endCursor }));
const second = await run(page);
equal(second.errors, undefined, "a second page by the cursor");
check(second.data.meetings.nodes[0].startTime >= first.data.meetings.nodes.at(-1).startTime, "it goes on where the first ended");

await write(page, "Variables", JSON.stringify({ ...variables, first: -1 }));
const wrong = await run(page);
equal(wrong.errors[0].extensions.code, "BAD_USER_INPUT", "a mistake is named");
await page.locator(".result-window").getByText("BAD_USER_INPUT").waitFor();
check(true, "and shown");

await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
await page.locator(".graphiql-doc-explorer").getByRole("link", { name: "Query" }).click();
await page.locator(".graphiql-doc-explorer").getByRole("link", { name: "meetings", exact: true }).click();
await page.locator(".graphiql-doc-explorer").getByText("Lists the meetings of all sources in one order, each event once.").first().waitFor();
check(true, "a documentation link leads to the field's description");

await page.getByRole("button", { name: "Headers" }).click();
await write(page, "Headers", '{"X-API-Key": "nothing"}');
const asked = page.waitForRequest((request) => request.postData()?.includes("query NextMeetings"));
await page.getByRole("button", { name: /Execute query/ }).click();
equal((await asked).headers()["x-api-key"], "nothing", "a header that was typed is sent");

for (const tab of tabs.slice(1, -1)) {
  await page.getByRole("tab", { name: tab }).click();
  await page.waitForFunction(
    (name) => document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror.operationName === name,
    tab, // GraphiQL reads it off the text a moment later
  );
  const answered = page.waitForResponse((response) => response.request().postData()?.includes(`query ${tab}`));
  await page.getByRole("button", { name: /Execute query/ }).click();
  const answer = await (await answered).json();
  equal(answer.errors, undefined, `${tab} works as it stands`);
  check(Object.values(answer.data).every((value) => value !== null), `${tab} finds what it asks for`);
}

const dark = await open("dark");
await run(dark);
if (screenshots) await dark.screenshot({ path: `${screenshots}/graphiql-dark.png` });
const background = await dark.evaluate(() => getComputedStyle(document.querySelector(".graphiql-container")).backgroundColor);
const [red, green, blue] = background.match(/\d+/g).map(Number);
check(red + green + blue < 240, `dark where the system is: ${background}`);

equal(outside, [], "nothing outside is asked for");
equal(complaints, [], "the console stays silent");
await browser.close();
done();
