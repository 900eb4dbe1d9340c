// Subscriptions as each client's users write them. Something happens in the world all the time: each waits for a change,
// then goes away and comes back by the cursor.
import { ApolloClient, HttpLink, InMemoryCache, gql as apolloGql } from "@apollo/client/core/index.js";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions/index.js";
import { Client as UrqlClient, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";
import { check, done, equal } from "./checks.mjs";

const [url, wsUrl] = [process.argv[2], process.argv[2].replace(/^http/, "ws")];
const TEXT = `subscription Live($since: String) {
  meetingChanged(since: $since, filter: { canceled: INCLUDE }) { kind meetingId cursor meeting { id title } }
}`;

// READY, then changes: resolves with the first change, by whatever subscribes.
function firstChange(name, subscribe) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const stop = subscribe({
      next(result) {
        const change = result.data?.meetingChanged;
        if (!change) return reject(new Error(`${name}: ${JSON.stringify(result)}`));
        seen.push(change.kind);
        if (seen.length === 1) return equal(change.kind, "READY", `${name} begins with READY`);
        check(["CREATED", "UPDATED", "CANCELED", "GONE", "LEFT"].includes(change.kind), `${name} hears of a change`);
        check(change.meetingId, `${name} is told which meeting`);
        queueMicrotask(() => stop());
        resolve(change);
      },
      error: reject,
      complete() {},
    });
  });
}

// graphql-ws, and resume by cursor
const ws = createWs({ url: wsUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
const heard = await firstChange("graphql-ws", (sink) => ws.subscribe({ query: TEXT }, sink));
const again = await firstChange("graphql-ws resumed", (sink) =>
  ws.subscribe({ query: TEXT, variables: { since: heard.cursor } }, sink),
);
check(again.cursor !== heard.cursor, "after a cursor come later changes");
const overWs = await new Promise((resolve, reject) => {
  let last;
  ws.subscribe({ query: "{ __typename }" }, { next: (value) => (last = value), error: reject, complete: () => resolve(last) });
});
equal(overWs.data.__typename, "Query", "a query over the WebSocket");
await ws.dispose();

// graphql-sse, distinct connections
const sse = createSse({ url, retryAttempts: 0 });
await firstChange("graphql-sse", (sink) => sse.subscribe({ query: TEXT }, sink));
sse.dispose();

// Apollo Client: multipart by HttpLink, nothing to install; and the same over graphql-ws
const viaApollo = (client) => (sink) => {
  const subscription = client.subscribe({ query: apolloGql(TEXT) }).subscribe(sink);
  return () => subscription.unsubscribe();
};
const multipart = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
await firstChange("Apollo's multipart", viaApollo(multipart));
const socket = createWs({ url: wsUrl, webSocketImpl: WebSocket });
const overSocket = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
await firstChange("Apollo over graphql-ws", viaApollo(overSocket));
await socket.dispose();

// urql: fetchExchange speaks SSE where it is told to; subscriptionExchange takes any client
const viaUrql = (client) => (sink) => client.subscription(gql(TEXT), {}).subscribe(sink.next).unsubscribe;
await firstChange("urql by fetch", viaUrql(new UrqlClient({ url, fetchSubscriptions: true, preferGetMethod: false, exchanges: [fetchExchange] })));
const forUrql = createWs({ url: wsUrl, webSocketImpl: WebSocket });
const exchange = subscriptionExchange({
  forwardSubscription: (request) => ({
    subscribe: (sink) => ({ unsubscribe: forUrql.subscribe({ ...request, query: request.query || "" }, sink) }),
  }),
});
await firstChange("urql over graphql-ws", viaUrql(new UrqlClient({ url, preferGetMethod: false, exchanges: [exchange] })));
await forUrql.dispose();

// Nothing but fetch: a GET that any EventSource could make, with Last-Event-ID
const link = `${url}?${new URLSearchParams({ query: TEXT })}`;
const stop = new AbortController();
const headers = { Accept: "text/event-stream", "Last-Event-ID": heard.cursor };
const plain = await fetch(link, { headers, signal: stop.signal });
let text = "";
for await (const chunk of plain.body.pipeThrough(new TextDecoderStream())) {
  text += chunk;
  if ((text.match(/^event: next$/gm) || []).length >= 2) break;
}
check(/^id: \S+$/m.test(text), "events bear the cursor as their id");
stop.abort();
done();
