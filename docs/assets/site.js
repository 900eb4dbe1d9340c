// The theme leaves its search dialog without a name, which screen readers would read out.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
});

// The recipes' dates are of March 2026; the demo's team meets around today. A link that is followed moves them by whole
// weeks, so that weekdays stay.
const RECIPES = Date.UTC(2026, 2, 18);
const WEEK = 7 * 24 * 3600 * 1000;

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.try");
  if (!link || link.dataset.moved) return;
  const moved = Math.floor((Date.now() - RECIPES) / WEEK) * WEEK;
  const url = new URL(link.href);
  const variables = url.searchParams.get("variables") ?? "";
  url.searchParams.set(
    "variables",
    variables.replace(/\b\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?/g, (time, clock) => {
      const there = new Date(Date.parse(time) + moved).toISOString();
      return clock ? there.replace(".000Z", "Z") : there.slice(0, 10);
    }),
  );
  link.href = url.href;
  link.dataset.moved = "yes";
});
