// Other teams' subgraphs. `shop` is a Relay subgraph with a PageInfo and a `node` of its own; `coach` adds fields to our
// types, some of which require fields of ours; `point0` … `point3` point at our records, each by another key.
//
// `node foreign.mjs NAME` prints the text of one.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { graphql, parse } from "graphql";

const LINK = (...names) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [${names.map((name) => `"@${name}"`)}])`;

const SHOP = `
  ${LINK("key", "shareable")}
  interface Node { id: ID! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Query {
    node(id: ID!): Node
    nodes(ids: [ID!]!): [Node]!
    orders(first: Int = 10, from: Int = 0): OrderConnection!
  }
  type OrderConnection { edges: [OrderEdge!]! pageInfo: PageInfo! }
  type OrderEdge { cursor: String! node: Order! }
  type Order implements Node @key(fields: "id") { id: ID! total: Int! buyer: Person account: Account }
  type Person @key(fields: "email", resolvable: false) { email: String }
  type Account @key(fields: "salesloftId") { salesloftId: ID revenue: Int }
`;

const COACH = `
  ${LINK("key", "external", "requires")}
  scalar DateTime
  type Query { scorecards(first: Int = 10): [Scorecard!]! }
  type Scorecard @key(fields: "id") { id: ID! meeting: Meeting }
  type Meeting @key(fields: "sourceId") {
    sourceId: String!
    title: String @external
    startTime: DateTime @external
    score: Int
    prep: String @requires(fields: "title startTime")
  }
  type Person @key(fields: "salesloftId") {
    salesloftId: ID
    emails: [String!] @external
    mood: String
    reach: Int @requires(fields: "emails")
  }
  type User @key(fields: "guid") {
    guid: ID
    name: String @external
    badge: String @requires(fields: "name")
  }
`;

const TYPES = {
  id: "ID!", source: "Source!", sourceId: "String!", calendarEventId: "String", email: "String", salesloftId: "ID",
  crmId: "String", guid: "ID",
};

function pointing(number, keys) {
  const named = Object.entries(keys).filter(([, all]) => all.length > number);
  const stubs = named.map(([name, all]) => {
    const fields = all[number].split(" ");
    return `type ${name} @key(fields: "${all[number]}", resolvable: false) {
      ${fields.map((field) => `${field}: ${TYPES[field]}`).join(" ")} }`;
  });
  const source = named.some(([, all]) => all[number].includes("source ")) ? "enum Source { SALESLOFT DRIFT CALENDLY }" : "";
  return `
    ${LINK("key")}
    type Query { point${number}(name: String!): [Pointer${number}!]! }
    type Pointer${number} { ${named.map(([name]) => `${name.toLowerCase()}: ${name}`).join(" ")} }
    ${stubs.join("\n")} ${source}`;
}

const order = (data, number) => ({
  __typename: "Order",
  id: `order-${number}`,
  total: number * 10,
  buyer: number < data.buyers.length ? { email: data.buyers[number] } : null,
  account: data.accounts.length ? { salesloftId: data.accounts[number % data.accounts.length] } : null,
});

const found = (data, id) => (/^order-\d+$/.test(id) ? order(data, Number(id.slice(6))) : null);

export function subgraphs(data) {
  const shop = {
    Query: {
      node: (_, { id }) => found(data, id),
      nodes: (_, { ids }) => ids.map((id) => found(data, id)),
      orders: (_, { first, from }) => ({
        edges: Array.from({ length: first }, (_, place) => ({
          cursor: String(from + place),
          node: order(data, from + place),
        })),
        pageInfo: { hasNextPage: true, hasPreviousPage: from > 0, startCursor: String(from), endCursor: String(from + first - 1) },
      }),
    },
    Node: { __resolveType: (node) => node.__typename },
    Order: { __resolveReference: ({ id }) => found(data, id) },
    Account: { __resolveReference: (account) => account, revenue: ({ salesloftId }) => 1 + Number(BigInt(salesloftId) % 1000n) },
  };
  const coach = {
    Query: {
      scorecards: (_, { first }) =>
        data.meetings.slice(0, first).map((sourceId, place) => ({ id: `card-${place}`, meeting: { sourceId } })),
    },
    Scorecard: { __resolveReference: ({ id }) => ({ id, meeting: { sourceId: data.meetings[Number(id.slice(5))] } }) },
    Meeting: {
      __resolveReference: (meeting) => meeting,
      score: ({ sourceId }) => {
        if (sourceId === data.unscored) throw new Error("no score for this one");
        return sourceId.length;
      },
      prep: ({ title, startTime }) => `${title} at ${startTime}`,
    },
    Person: {
      __resolveReference: (person) => person,
      mood: ({ salesloftId }) => `mood of ${salesloftId}`,
      reach: ({ emails }) => emails?.length ?? 0,
    },
    User: { __resolveReference: (user) => user, badge: ({ name }) => `${name}, coached` },
  };
  const found_ = { shop: [SHOP, shop], coach: [COACH, coach] };
  for (const number of [0, 1, 2, 3]) {
    const point = (_, { name }) => data.points[number][name].map((each) => ({ [name.toLowerCase()]: each }));
    found_[`point${number}`] = [pointing(number, data.keys), { Query: { [`point${number}`]: point } }];
  }
  return found_;
}

export const EMPTY = { keys: {}, points: [], buyers: [], accounts: [], meetings: [] };

/** Serves a subgraph on loopback: its URL. A request with `x-no-coach` finds the coach's out of order. */
export async function serve(name, [typeDefs, resolvers]) {
  const schema = buildSubgraphSchema({ typeDefs: parse(typeDefs), resolvers });
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { query, variables, operationName } = JSON.parse(Buffer.concat(parts).toString());
    if (name === "coach" && request.headers["x-no-coach"]) {
      response.writeHead(500).end("out of order");
      return;
    }
    const answer = await graphql({ schema, source: query, variableValues: variables, operationName });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${server.address().port}/graphql`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(subgraphs(EMPTY)[process.argv[2]][0]);
