// Another team's subgraph: what customers said. It knows people by their e-mail address, and nothing else of them.
//
//   node reviews.mjs PORT
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import gql from "graphql-tag";

const typeDefs = gql`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@requires"])

  type Query {
    reviews: [Review!]!
  }

  type Review @key(fields: "id") {
    id: ID!
    stars: Int!
    text: String
    author: Person # who that is, the meeting gateway knows
  }

  # The gateway's type, with two fields of ours. It is looked up here, and there, by the address.
  type Person @key(fields: "email") {
    email: String
    name: String @external
    reviews: [Review!]!
    greeting: String @requires(fields: "name") # made of a field of the gateway's
  }
`;

const reviews = [
  { id: "1", stars: 5, text: "Quick and kind.", email: "ruben.wetherby@kettlebrook-analytics.example" },
  { id: "2", stars: 4, text: null, email: "callum.eastwick@elmsgate-analytics.example" },
  { id: "3", stars: 2, text: "Came late.", email: "ruben.wetherby@kettlebrook-analytics.example" },
];

const resolvers = {
  Query: { reviews: () => reviews },
  Review: { __resolveReference: ({ id }) => reviews.find((each) => each.id === id), author: ({ email }) => ({ email }) },
  Person: {
    __resolveReference: (person) => person,
    reviews: ({ email }) => reviews.filter((each) => each.email === email?.trim().toLowerCase()),
    greeting: ({ name }) => `Dear ${name}`,
  },
};

const server = new ApolloServer({ schema: buildSubgraphSchema({ typeDefs, resolvers }) });
const { url } = await startStandaloneServer(server, { listen: { port: Number(process.argv[2]), host: "127.0.0.1" } });
console.log(`reviews: ${url}`);
