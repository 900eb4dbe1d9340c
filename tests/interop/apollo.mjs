// Apollo Client as an application sets it up: persisted queries by hash, and connections that grow page by page.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { createHash } from "node:crypto";
import { check, done, equal } from "./checks.mjs";

const url = process.argv[2];
const sent = [];
const watched = (input, init) => {
  sent.push({ method: init.method ?? "GET", body: init.body ?? "", url: String(input) });
  return fetch(input, init);
};
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

function client({ useGETForHashedQueries = false } = {}) {
  return new ApolloClient({
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { meetings: relayStylePagination(["filter", "orderBy"]) } } },
    }),
    link: ApolloLink.from([
      new PersistedQueryLink({ sha256, useGETForHashedQueries }),
      new HttpLink({ uri: url, fetch: watched }),
    ]),
  });
}

const PAGE = gql`
  query Page($after: String) {
    meetings(first: 5, after: $after) {
      edges { cursor node { id title startTime owner { id name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

const apollo = client();
const first = await apollo.query({ query: PAGE });
equal(first.data.meetings.edges.length, 5, "a first page");
equal(sent.length, 2, "an unknown hash costs one more request");
check(!sent[0].body.includes("query Page"), "the hash is sent alone first");

const query = apollo.watchQuery({ query: PAGE });
const edges = (wanted) =>
  new Promise((answered) => {
    query.subscribe(({ data }) => data?.meetings?.edges.length === wanted && answered(data.meetings.edges));
  });
await edges(5);
await query.fetchMore({ variables: { after: first.data.meetings.pageInfo.endCursor } });
const ids = (await edges(10)).map((edge) => edge.node.id);
equal(ids.length, 10, "relayStylePagination appends the second page");
equal(new Set(ids).size, 10, "no meeting twice");
equal(sent.length, 3, "a known hash costs one request");

sent.length = 0;
const again = await client({ useGETForHashedQueries: true }).query({ query: PAGE });
equal(again.data.meetings.edges.length, 5, "by GET");
equal(sent.map((each) => each.method).join(), "GET", "one GET, its hash known");

let refused = null;
try {
  await client().query({ query: gql`{ meetings(first: -1) { nodes { id } } }` });
} catch (error) {
  refused = error;
}
equal(refused?.errors?.[0]?.extensions?.code, "BAD_USER_INPUT", "a typed error arrives as one");
const partial = await client().query({ query: gql`{ node(id: "nonsense") { id } sources { source } }`, errorPolicy: "all" });
equal(partial.data.sources.length, 3, "what could be answered is there beside an error");
done();
