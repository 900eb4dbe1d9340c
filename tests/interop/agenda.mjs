// The page of examples/agenda, built, in a browser: a week by owner, no-shows, more of it, counts, and a source that is down.
import { chromium } from "playwright-core";
import { faults } from "./axe.mjs";
import { check, done, equal } from "./checks.mjs";

const [url, executablePath, down, living, screenshots] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const complaints = [];

async function open(address, options = {}) {
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options })).newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  await page.locator("section h2").first().waitFor();
  return page;
}

const page = await open(`${url}/agenda`);
const owners = await page.locator("section h2").evaluateAll((all) => all.map((each) => each.firstChild.textContent.trim()));
equal(owners, [...owners].sort((one, other) => one.localeCompare(other)), "owners by name");
check(/\d+ meetings · \d+ cancelled · \d+ no-shows/.test(await page.locator(".counts").textContent()), "counts of the whole week");
equal(await page.getByRole("alert").count(), 0, "no banner on a good day");

equal(await faults(page), [], "axe-core finds no serious fault");

const before = await page.locator("li").count();
const more = page.getByRole("button", { name: "Load more" });
check(await more.isVisible(), `there are more than ${before}`);
await more.click();
await page.waitForFunction((count) => document.querySelectorAll("li").length > count, before);
check(true, "which are added below");

await page.getByLabel("Only no-shows").check();
await page.waitForFunction(() => [...document.querySelectorAll(".state")].every((each) => each.textContent.startsWith("no_show")) || !document.querySelector("li"));
check(true, "no-shows alone");
await page.getByLabel("Only no-shows").uncheck();
await page.getByRole("button", { name: "Later ›" }).click();
await page.locator("section h2").first().waitFor();
check(true, "another week");
if (screenshots) await page.screenshot({ path: `${screenshots}/agenda.png` });

const bad = await open(`${down}/agenda/`);
check((await bad.getByRole("alert").textContent()).includes("DRIFT is not all here"), "a banner where a source is down");
check((await bad.locator("li").count()) > 0, "and the other rows beside it");

const phone = await open(`${url}/agenda/`, { viewport: { width: 375, height: 700 } });
check((await phone.evaluate(() => document.documentElement.scrollWidth)) <= 375, "a phone shows it whole");
if (screenshots) await phone.screenshot({ path: `${screenshots}/agenda-phone.png` });
const dark = await open(`${down}/agenda/`, { colorScheme: "dark" });
equal(await faults(dark), [], "nor in the dark, with a banner");
if (screenshots) await dark.screenshot({ path: `${screenshots}/agenda-dark.png` });

// Something happens all the time in this world: it appears by itself, beside everything that was loaded before.
const live = await open(`${living}/agenda/`);
const all = live.locator("main > button");
for (let clicks = 0; clicks < 20 && (await all.count()); clicks++) await all.click({ timeout: 5000 }).catch(() => {});
const texts = () => live.locator("li").allTextContents();
const loaded = new Set(await texts());
await live.waitForFunction(
  (known) => [...document.querySelectorAll("li")].some((row) => row.textContent.includes("(just booked)") && !known.includes(row.textContent)),
  [...loaded],
);
check(/^\w+: ./.test(await live.getByRole("status").textContent()), "what happens is said");
const now = await texts();
check(now.some((text) => text.includes("(just booked)") && !loaded.has(text)), "a booking appears");
check(now.length >= loaded.size - 3, `and takes nothing away: ${loaded.size} before, ${now.length} now`);
equal(complaints, [], "the console stays silent");
await browser.close();
done();
