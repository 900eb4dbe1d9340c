import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

declare module "@apollo/client" {
  namespace ApolloClient {
    namespace DeclareDefaultOptions {
      interface WatchQuery {
        errorPolicy: "all";
      }
      interface Query {
        errorPolicy: "all";
      }
    }
  }
}

// Beside the demo while it is developed, or under its address once it is built.
const uri = import.meta.env.DEV
  ? (import.meta.env["VITE_GATEWAY"] ?? "http://127.0.0.1:8000/graphql")
  : new URL("../graphql", location.href).href;

// Lists are joined page by page; each filter and order is a list of its own.
const list = relayStylePagination(["filter", "orderBy"]);

export const client = new ApolloClient({
  link: new HttpLink({ uri }), // subscriptions too: Apollo's multipart protocol
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { meetings: list } } } }),
  defaultOptions: {
    // One field that fails, or that a key may not read, must not take the page with it.
    watchQuery: { errorPolicy: "all" },
    query: { errorPolicy: "all" },
  },
});
