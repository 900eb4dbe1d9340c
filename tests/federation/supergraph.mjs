// A supergraph of our subgraph and the foreign ones behind a router of others. It reads requests from its input, a line
// of JSON each, and writes each answer as a line.
//
//   node supergraph.mjs apollo|hive DATA.json      { url, sdl, prefix, routerKey, keys, points, … }
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { compose } from "./compose.mjs";
import { serve, subgraphs } from "./foreign.mjs";

const [router, file] = process.argv.slice(2);
const data = JSON.parse(readFileSync(file, "utf8"));
const OURS = /\b(Meeting|Person|User|Cadence|Step|Account|Task|Conversation|Source)\b/g;

/** A subgraph that points at our types by the names that they have: with the prefix, where there is one. */
function pointing([text, resolvers]) {
  const renamed = (name) => name.replace(OURS, `${data.prefix ?? ""}$1`);
  return [renamed(text), Object.fromEntries(Object.entries(resolvers).map(([name, made]) => [renamed(name), made]))];
}
const PASSED_ON = ["x-api-key", "authorization", "x-no-coach"];

/** What a subgraph is sent of a client's request; ours the router's own key too, unless it is to do without. */
function headersFor(url, headers) {
  const passed = Object.entries(headers).filter(([name]) => PASSED_ON.includes(name));
  const ours = url === data.url && !headers["x-no-key"];
  return Object.fromEntries([...passed, ...(ours ? [["router-authorization", data.routerKey]] : [])]);
}

const routers = {
  async apollo(supergraph) {
    const { ApolloGateway, RemoteGraphQLDataSource } = await import("@apollo/gateway");
    const { parse, validate } = await import("graphql");
    class Passing extends RemoteGraphQLDataSource {
      willSendRequest({ request, context }) {
        const headers = headersFor(this.url, context.headers ?? {});
        for (const [name, value] of Object.entries(headers)) request.http.headers.set(name, value);
      }
    }
    const quiet = Object.fromEntries(["debug", "info", "warn", "error"].map((level) => [level, () => {}]));
    const gateway = new ApolloGateway({
      supergraphSdl: supergraph,
      logger: quiet,
      buildService: ({ url }) => new Passing({ url }),
    });
    const { executor, schema } = await gateway.load();
    return async ({ query, variables = {}, headers = {} }) => {
      const document = parse(query);
      const wrong = validate(schema, document);
      if (wrong.length) return { errors: wrong };
      return executor({
        document, schema, logger: quiet, metrics: {}, operationName: null, queryHash: query,
        request: { query, variables }, context: { headers },
        cache: new Map(), overallCachePolicy: { restrict() {} },
      });
    };
  },
  async hive(supergraph) {
    const { createGatewayRuntime } = await import("@graphql-hive/gateway-runtime");
    const gateway = createGatewayRuntime({
      supergraph,
      logging: false,
      maskedErrors: false,
      propagateHeaders: {
        fromClientToSubgraphs: ({ request, subgraphName }) =>
          headersFor(subgraphName === "meetings" ? data.url : "", Object.fromEntries(request.headers)),
      },
    });
    return async ({ query, variables, headers = {} }) => {
      const answer = await gateway.fetch("http://router/graphql", {
        method: "POST",
        headers: { ...headers, "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      return answer.json();
    };
  },
};

const parts = [{ name: "meetings", url: data.url, text: data.sdl }];
for (const [name, made] of Object.entries(subgraphs(data))) {
  const subgraph = pointing(made);
  parts.push({ name, url: await serve(name, subgraph), text: subgraph[0] });
}
const composed = await compose(router === "hive" ? "guild" : "apollo", parts);
if (composed.errors.length) throw new Error(composed.errors.join("\n"));
const ask = await routers[router](composed.supergraph);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await ask(JSON.parse(line)).catch((error) => ({ errors: [{ message: String(error) }] }));
  console.log(JSON.stringify(answer));
}
process.exit(0);
