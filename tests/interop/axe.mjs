// What axe-core holds against a page that is shown: serious and critical faults, each with where it is.
import { readFile } from "node:fs/promises";

const source = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf-8");

export async function faults(page, exclude = []) {
  await page.evaluate(source);
  const found = await page.evaluate(
    (excluded) => window.axe.run({ exclude: excluded.map((selector) => [selector]) }, { resultTypes: ["violations"] }),
    exclude,
  );
  return found.violations
    .filter((fault) => ["serious", "critical"].includes(fault.impact))
    .map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}
