// Starts GraphiQL with our tabs, and shows beside each answer what it took upstream and how it ran.
"use strict";

(() => {
  const h = React.createElement;
  const root = document.getElementById("graphiql");
  const config = JSON.parse(root.dataset.config);
  const link = new URLSearchParams(location.search);

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
    url: location.pathname,
    enableIncrementalDelivery: false,
    headers: { "X-Gateway-Trace": "plan" },
  });

  // A header without a value is one that is still to be typed.
  function given(headers) {
    return Object.fromEntries(Object.entries(headers || {}).filter(([, value]) => String(value ?? "").trim()));
  }

  const isSubscription = (params, options) =>
    (options && options.documentAST ? options.documentAST.definitions : []).some(
      (part) => part.operation === "subscription" && (!params.operationName || part.name?.value === params.operationName),
    );

  // A subscription as server-sent events: each `next` is an answer; stop ends the request.
  async function* events(params, headers) {
    const ended = new AbortController();
    try {
      const response = await fetch(location.pathname, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "text/event-stream", ...headers },
        body: JSON.stringify(params),
        signal: ended.signal,
      });
      if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
        yield await response.json();
        return;
      }
      let text = "";
      for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        const parts = (text + value).split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const [, kind] = part.match(/^event: ?(.*)$/m) || [];
          const [, data] = part.match(/^data: ?(.*)$/m) || [];
          if (kind === "complete") return;
          if (kind === "next" && data) yield JSON.parse(data);
        }
      }
    } finally {
      ended.abort();
    }
  }

  async function fetcher(params, options) {
    if (isSubscription(params, options)) {
      return events(params, given(options && options.headers));
    }
    const answer = await ask(params, { ...options, headers: given(options && options.headers) });
    if (params.operationName !== "IntrospectionQuery") {
      const { upstream, cost, execution } = answer.extensions || {};
      trace.set(upstream ? { ...upstream, expected: cost && cost.expected, plan: execution && execution.plan } : null);
    }
    return answer;
  }

  function Summary() {
    const taken = useTrace();
    let text = "";
    if (taken) {
      const sources = Object.entries(taken.bySource).map(([name, part]) => `${name} ${part.calls}`);
      text = [
        `${count(taken.calls, "upstream call")}${sources.length ? ` (${sources.join(", ")})` : ""}`,
        count(taken.cost, "unit") + (taken.expected === undefined ? "" : ` of ${taken.expected} expected`),
        count(taken.waves, "wave"),
        `${taken.cacheHits} from the cache`,
      ].join(" · ");
    }
    return h("div", { className: "upstream-summary", role: "status", hidden: !text }, text);
  }

  // A call as a bar on the time that all of them took; what equal look-ups found in the cache, as one.
  function Row({ request, times, total }) {
    const style = { marginLeft: `${(100 * request.at) / total}%`, width: `${Math.max(1.5, (100 * request.ms) / total)}%` };
    const time = request.cache === "miss" ? `${request.ms} ms` : request.cache + (times > 1 ? ` × ${times}` : "");
    return h(
      "tr",
      null,
      h("td", null, request.source, h("br"), h("span", { className: "endpoint" }, request.endpoint)),
      h("td", { className: "number" }, request.cost),
      h(
        "td",
        { className: "time" },
        h("span", { className: `bar ${request.cache}`, style, "aria-hidden": true }),
        h("span", { className: "number" }, time),
      ),
    );
  }

  function Wave({ wave, requests, total }) {
    const calls = requests.filter((request) => request.cache === "miss").length;
    const saved = requests.length - calls;
    const title = [`Wave ${wave}: ${count(calls, "call")}`, saved ? `${saved} from the cache` : ""].filter(Boolean).join(", ");
    const rows = new Map();
    requests.forEach((request, place) => {
      const key = request.cache === "miss" ? place : `${request.source} ${request.endpoint} ${request.cache}`;
      rows.set(key, { request: rows.get(key)?.request ?? request, times: (rows.get(key)?.times ?? 0) + 1 });
    });
    return h(
      "tbody",
      null,
      h("tr", null, h("th", { colSpan: 3, scope: "rowgroup", className: "wave" }, title)),
      [...rows].map(([key, row]) => h(Row, { key, ...row, total })),
    );
  }

  function Calls() {
    const taken = useTrace();
    const title = h("div", { className: "graphiql-doc-explorer-title" }, "Upstream calls");
    if (!taken) {
      return h("section", { "aria-label": "Upstream calls" }, title, h("p", null, "Run a query to see what it asks of the sources."));
    }
    const total = Math.max(1, ...taken.requests.map((request) => request.at + request.ms));
    const waves = [...new Set(taken.requests.map((request) => request.wave))].sort((a, b) => a - b);
    const head = ["Source and endpoint", "Units", `Time, of ${Math.round(total)} ms`];
    return h(
      "section",
      { "aria-label": "Upstream calls" },
      title,
      h("p", { className: "upstream-summary" }, "Calls of one wave need nothing of each other; each wave waits for the one before."),
      h(
        "table",
        { className: "upstream-calls" },
        h("thead", null, h("tr", null, head.map((name) => h("th", { key: name, scope: "col" }, name)))),
        waves.map((wave) =>
          h(Wave, { key: wave, wave, total, requests: taken.requests.filter((request) => request.wave === wave) }),
        ),
      ),
      taken.plan
        ? h(
            "details",
            { className: "upstream-plan", open: true },
            h("summary", null, "How it ran (meeting-gateway explain)"),
            h("pre", { tabIndex: 0 }, taken.plan),
          )
        : null,
    );
  }

  const icon = () =>
    h(
      "svg",
      { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5, "aria-hidden": true },
      h("path", { d: "M4 7h9M4 12h14M4 17h6", strokeLinecap: "round" }),
    );

  // GraphiQL 4 forgets the variables of the tab that it starts with.
  if (localStorage.getItem("graphiql:tabState") === null) {
    localStorage.setItem("graphiql:variables", config.tabs[0].variables);
  }

  // Another key may show another schema: a fetcher that is another one has GraphiQL ask for it anew.
  function Console() {
    const [key, setKey] = React.useState("{}");
    const typed = React.useRef(0);
    const again = React.useMemo(() => (params, options) => fetcher(params, options), [key]);
    const onEditHeaders = (text) => {
      clearTimeout(typed.current);
      typed.current = setTimeout(() => {
        try {
          setKey(JSON.stringify(given(JSON.parse(text || "{}"))));
        } catch {
          // still being typed
        }
      }, 600);
    };
    const linked = link.has("query")
      ? { query: link.get("query"), variables: link.get("variables") || "", operationName: link.get("operationName") || undefined }
      : {};
    return h(
      GraphiQL,
      {
        fetcher: again,
        ...linked,
        onEditHeaders,
        defaultQuery: config.newTab,
        defaultTabs: config.tabs,
        defaultHeaders: config.headers,
        defaultEditorToolsVisibility: config.headers ? "headers" : "variables",
        schemaDescription: true,
        shouldPersistHeaders: false,
        plugins: [
          GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false }),
          { title: "Upstream calls", icon, content: Calls },
        ],
      },
      h(GraphiQL.Logo, null, "Meeting gateway"),
      h(GraphiQL.Footer, null, h(Summary)),
    );
  }

  // For keyboards: editors take the Tab key, so Escape leaves them for the play button, and links lead past them.
  const PLAY = ".graphiql-execute-button";
  const ANSWER = ".result-window";
  const PANEL = '[aria-label="Show Upstream calls"], [aria-label="Hide Upstream calls"]';

  function focus(selector) {
    const element = document.querySelector(selector);
    if (element && element.tabIndex < 0) {
      element.tabIndex = 0;
    }
    element?.focus();
  }

  document.addEventListener("keydown", (event) => {
    const editor = event.key === "Escape" && event.target.closest(".graphiql-editor, .graphiql-query-editor");
    if (editor && !document.querySelector(".CodeMirror-hints, .CodeMirror-dialog")) {
      focus(PLAY);
    }
  });

  // CodeMirror's inputs have no names of their own.
  const named = new MutationObserver(() => {
    for (const input of document.querySelectorAll(".CodeMirror textarea:not([aria-label])")) {
      const part = input.closest("section");
      input.setAttribute("aria-label", part ? part.getAttribute("aria-label") || "Answer" : "Query");
    }
  });
  named.observe(root, { childList: true, subtree: true });

  function Skip() {
    const places = { "Skip to the play button": PLAY, "Skip to the answer": ANSWER, "Skip to upstream calls": PANEL };
    return h(
      "nav",
      { className: "skip", "aria-label": "Skip" },
      Object.entries(places).map(([name, selector]) => h("button", { key: name, type: "button", onClick: () => focus(selector) }, name)),
    );
  }

  ReactDOM.createRoot(root).render(h(React.Fragment, null, h(Skip), h(Console)));
})();
