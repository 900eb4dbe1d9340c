// mercurius with its own loaders, one batch a level, and its JIT from an operation's second sighting on.
import Fastify from "fastify";
import mercurius from "mercurius";
import { kinds, many, plain, typeDefs } from "./source.mjs";

const loader = ({ path, param, key, of }) => ({
  opts: { cache: false },
  loader: async (queries) => {
    const keys = [...new Set(queries.map(({ obj }) => of(obj)))];
    const rows = await many(path, param, key, keys);
    const found = new Map(keys.map((each, place) => [each, rows[place]]));
    return queries.map(({ obj }) => found.get(of(obj)));
  },
});
const app = Fastify();
app.register(mercurius, {
  schema: typeDefs,
  resolvers: plain,
  loaders: { Meeting: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, loader(kind)])) },
  jit: 1,
  path: "/graphql",
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
