// The documentation's site, opened from its folder: search finds what people type, nothing is asked for elsewhere, and no
// page is wider than a phone.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

import { faults } from "./axe.mjs";
import { check, done, equal } from "./checks.mjs";

const [folder, executable, pictures] = process.argv.slice(2);
const WORDS = ["cors", "ttl", "authentication", "performance", "deduplication", "troubleshooting", "codegen", "rate limit",
  "cursor", "sourceReports", "PERSISTED_QUERY_NOT_FOUND", "circuit breaker", "GATEWAY_MAX_COST", "no-show", "typescript"];
const PAGES = ["index.html", "cookbook.html", "errors.html", "settings.html", "http.html", "operations/runbook.html"];

const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
const elsewhere = [];

async function open(page, name) {
  await page.goto(pathToFileURL(join(folder, name)).href);
}

async function newPage(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("request", (request) => {
    if (!/^(file|data|blob|about):/.test(request.url())) elsewhere.push(request.url());
  });
  return page;
}

const page = await newPage({ viewport: { width: 1280, height: 900 } });
for (const word of WORDS) {
  await open(page, "index.html");
  await page.locator("input.md-search__input").click();
  await page.keyboard.type(word);
  await page.waitForFunction(() => /matching/.test(document.querySelector(".md-search-result__meta")?.textContent ?? ""));
  const found = (await page.textContent(".md-search-result__meta")).trim();
  check(/^\d+ matching/.test(found), `search for "${word}": ${found}`);
}

const phone = await newPage({ viewport: { width: 375, height: 800 }, colorScheme: "light" });
for (const name of PAGES) {
  await open(phone, name);
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
  check(wide <= 375, `${name} is ${wide} px wide on a phone`);
}

for (const colorScheme of ["light", "dark"]) {
  const read = await newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
  for (const name of ["index.html", "cookbook.html", "errors.html"]) {
    await open(read, name);
    equal(await faults(read), [], `axe-core finds no serious fault in ${name}, ${colorScheme}`);
  }
}

if (pictures) {
  const dark = await newPage({ viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
  for (const name of PAGES) {
    const stem = name.replace(/\W/g, "-");
    await open(page, name);
    await page.screenshot({ path: join(pictures, `${stem}-light.png`) });
    await open(dark, name);
    await dark.screenshot({ path: join(pictures, `${stem}-dark.png`) });
    await open(phone, name);
    await phone.screenshot({ path: join(pictures, `${stem}-phone.png`) });
  }
}

check(elsewhere.length === 0, `asked for elsewhere: ${elsewhere.join(", ") || "nothing"}`);
check(readdirSync(folder).includes("troubleshooting.html"), "there is a page on troubleshooting");
await browser.close();
done();
