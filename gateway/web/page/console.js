// Starts GraphiQL with our tabs, and shows beside each answer what it took upstream.
"use strict";

(() => {
  const h = React.createElement;
  const root = document.getElementById("graphiql");
  const config = JSON.parse(root.dataset.config);

  // What the last answer took: a value outside React that components follow.
  const trace = {
    value: null,
    followers: new Set(),
    set(value) {
      trace.value = value;
      trace.followers.forEach((follow) => follow());
    },
    follow(follow) {
      trace.followers.add(follow);
      return () => trace.followers.delete(follow);
    },
  };
  const useTrace = () => React.useSyncExternalStore(trace.follow, () => trace.value);
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  const ask = GraphiQL.createFetcher({
    url: window.location.pathname,
    enableIncrementalDelivery: false,
    headers: { "X-Gateway-Trace": "1" },
  });

  async function fetcher(params, options) {
    const answer = await ask(params, options);
    if (params.operationName !== "IntrospectionQuery") {
      const { upstream, cost } = answer.extensions || {};
      trace.set(upstream ? { ...upstream, expected: cost && cost.expected } : null);
    }
    return answer;
  }

  function Summary() {
    const taken = useTrace();
    if (!taken) {
      return null;
    }
    const sources = Object.entries(taken.bySource).map(([name, part]) => `${name} ${part.calls}`);
    const parts = [
      `${count(taken.calls, "upstream call")}${sources.length ? ` (${sources.join(", ")})` : ""}`,
      count(taken.cost, "unit") + (taken.expected === undefined ? "" : ` of ${taken.expected} expected`),
      count(taken.waves, "wave"),
      `${taken.cacheHits} from the cache`,
    ];
    return h("div", { className: "upstream-summary" }, parts.join(" · "));
  }

  function Row({ request, longest }) {
    const width = `${Math.max(2, (100 * request.ms) / longest)}%`;
    return h(
      "tr",
      null,
      h("td", null, request.source),
      h("td", null, request.endpoint),
      h("td", { className: "number" }, request.cost),
      h(
        "td",
        { className: "time" },
        h("span", { className: `bar ${request.cache}`, style: { width } }),
        h("span", { className: "number" }, request.cache === "miss" ? `${request.ms} ms` : request.cache),
      ),
    );
  }

  function Calls() {
    const taken = useTrace();
    const title = h("div", { className: "graphiql-doc-explorer-title" }, "Upstream calls");
    if (!taken) {
      return h("section", null, title, h("p", null, "Run a query to see what it asks of the sources."));
    }
    const longest = Math.max(1, ...taken.requests.map((request) => request.ms));
    const head = ["Source", "Endpoint", "Units", "Time"].map((name) => h("th", { key: name }, name));
    const rows = taken.requests.map((request, key) => h(Row, { key, request, longest }));
    return h(
      "section",
      null,
      title,
      h(Summary),
      h(
        "table",
        { className: "upstream-calls" },
        h("thead", null, h("tr", null, head)),
        h("tbody", null, rows),
      ),
    );
  }

  const icon = () =>
    h(
      "svg",
      { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5 },
      h("path", { d: "M4 7h9M4 12h14M4 17h6", strokeLinecap: "round" }),
    );

  // GraphiQL 4 forgets the variables of the tab that it starts with.
  if (localStorage.getItem("graphiql:tabState") === null) {
    localStorage.setItem("graphiql:variables", config.tabs[0].variables);
  }

  ReactDOM.createRoot(root).render(
    h(
      GraphiQL,
      {
        fetcher,
        defaultTabs: config.tabs,
        defaultHeaders: config.headers,
        defaultEditorToolsVisibility: config.headers ? "headers" : "variables",
        shouldPersistHeaders: false,
        plugins: [
          GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false }),
          { title: "Upstream calls", icon, content: Calls },
        ],
      },
      h(GraphiQL.Logo, null, "Meeting gateway"),
      h(GraphiQL.Footer, null, h(Summary)),
    ),
  );
})();
