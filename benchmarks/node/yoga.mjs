// graphql-yoga + graphql-jit + DataLoader; with CACHED=1 whole answers are kept as well, with WORKERS=2 two processes serve.
import cluster from "node:cluster";
import http from "node:http";
import { useGraphQlJit } from "@envelop/graphql-jit";
import { useResponseCache } from "@graphql-yoga/plugin-response-cache";
import { createSchema, createYoga } from "graphql-yoga";
import { kinds, loaders, plain, typeDefs } from "./source.mjs";

const relations = Object.fromEntries(
  Object.entries(kinds).map(([name, { of }]) => [name, (row, _, context) => context.loaders[name].load(of(row))]),
);
const resolvers = { ...plain, Meeting: { ...plain.Meeting, ...relations } };
const plugins = [useGraphQlJit()];
if (process.env.CACHED === "1") plugins.push(useResponseCache({ session: () => null, ttl: 10_000 }));
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: () => ({ loaders: loaders() }),
  plugins,
  logging: "error",
});
const workers = Number(process.env.WORKERS ?? 1);
if (workers > 1 && cluster.isPrimary) for (let n = 0; n < workers; n++) cluster.fork();
else http.createServer(yoga).listen(Number(process.env.PORT), "127.0.0.1");
