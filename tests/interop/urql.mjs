// urql with what it sends by itself: an `Accept` that also names event streams and multipart.
import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { check, done, equal } from "./checks.mjs";

const url = process.argv[2];
const accepted = [];
const client = new Client({
  url,
  preferGetMethod: false,
  fetch: (input, init) => {
    accepted.push(new Headers(init.headers).get("accept"));
    return fetch(input, init);
  },
  exchanges: [
    cacheExchange({
      keys: { PageInfo: () => null, MeetingConnection: () => null, MeetingEdge: () => null, SourceStatus: () => null },
      resolvers: { Query: { meetings: relayPagination() } },
    }),
    fetchExchange,
  ],
});

const PAGE = gql`
  query Page($after: String) {
    meetings(first: 5, after: $after) {
      edges { cursor node { id title } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;

const first = await client.query(PAGE, { after: null }).toPromise();
equal(first.error, undefined, "no error");
equal(first.data.meetings.edges.length, 5, "a first page");
check(accepted[0].includes("text/event-stream"), "its default Accept names event streams");

const { endCursor } = first.data.meetings.pageInfo;
const second = await client.query(PAGE, { after: endCursor }).toPromise();
const ids = second.data.meetings.edges.map((edge) => edge.node.id);
equal(ids.length, 10, "relayPagination joins both pages");
equal(new Set(ids).size, 10, "no meeting twice");

const wrong = await client.query(gql`{ nothing }`, {}).toPromise();
equal(wrong.error?.graphQLErrors[0]?.extensions.code, "GRAPHQL_VALIDATION_FAILED", "a typed error arrives as one");

const byGet = new Client({ url, preferGetMethod: "force", exchanges: [fetchExchange] });
const got = await byGet.query(gql`{ sources { source state } }`, {}).toPromise();
equal(got.data?.sources.length, 3, "by GET");
done();
