// Engines of Node.js over the workload of workload.py, run a stretch at a time as the parent process asks: one line of
// JSON in ({case, first, count}), one out ({ms} a run, or {json} of the answer when count is 0).
const readline = require("node:readline");
const { parse, execute, GraphQLScalarType } = require("graphql");
const { makeExecutableSchema } = require("@graphql-tools/schema");
const { normalizedExecutor } = require("@graphql-tools/executor");
const { compileQuery } = require("graphql-jit");
const DataLoader = require("dataloader");

const { sdl, query, tiny, most } = JSON.parse(process.argv[2]);
const EPOCH = Date.parse("2026-03-01T09:00:00Z");
const people = new Map(), cadences = new Map(), users = new Map(), rows = [];
for (let n = 1; n <= 80; n++) {
  people.set(n, { number: n, firstName: `First${n}`, lastName: `Last${n}`, emailAddress: `p${n}@example.com` });
}
for (let n = 1; n <= 12; n++) cadences.set(n, { number: n, name: `Cadence ${n}` });
for (let n = 1; n <= 20; n++) users.set(n, { number: n, name: `User ${n}`, email: `u${n}@example.com` });
for (let n = 1; n <= most; n++) {
  const start = EPOCH + n * 3600e3;
  rows.push({
    number: n, title: `Meeting ${n}`, status: ["BOOKED", "PENDING", "HELD"][n % 3],
    startTime: new Date(start), endTime: new Date(start + 1800e3), duration: 30,
    meetingUrl: `https://meet.example.com/${n}`, description: "Intro call about the product and next steps ".repeat(2),
    location: null, noShow: n % 7 === 0, createdAt: new Date(EPOCH + n * 60e3), updatedAt: new Date(EPOCH + n * 1e3),
    personKey: 1 + ((n * 37) % 80), cadenceKey: 1 + ((n * 5) % 12), ownerKey: 1 + ((n * 7) % 20),
    attendees: [0, 1, 2].map((k) => (
      { key: `${n}-${k}`, name: `Att ${n} ${k}`, email: `a${n}.${k}@example.com`, status: "accepted" })),
  });
}

const textId = (kind, key) => Buffer.from(`${kind}:${key}`).toString("base64");
const withId = (kind, key = "number") => ({ id: (row) => textId(kind, row[key]) });
const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: (moment) => moment.toISOString() }),
  Person: withId("Person"), Cadence: withId("Cadence"), User: withId("User"), Attendee: withId("Attendee", "key"),
  MeetingEdge: { cursor: (edge) => textId("arrayconnection", edge.place) },
  Meeting: {
    ...withId("Meeting"),
    person: (row, _, context) => context.person.load(row.personKey),
    cadence: (row, _, context) => context.cadence.load(row.cadenceKey),
    owner: (row, _, context) => context.user.load(row.ownerKey),
  },
  Query: {
    ping: () => "pong",
    meetings: async (_, { first }) => {
      const edges = rows.slice(0, first).map((node, place) => ({ node, place }));
      const [start, end] = [0, edges.length - 1].map((place) => textId("arrayconnection", place));
      return { edges, pageInfo: { hasNextPage: most > first, hasPreviousPage: false, startCursor: start, endCursor: end } };
    },
  },
};
const schema = makeExecutableSchema({ typeDefs: sdl, resolvers });
const batch = (map) => new DataLoader(async (keys) => keys.map((key) => map.get(key)));
const contextValue = () => ({ person: batch(people), cadence: batch(cadences), user: batch(users) });

const engines = (text) => {
  const document = parse(text);
  const jit = compileQuery(schema, document);
  return {
    "graphql-js": async (variableValues) =>
      JSON.stringify((await execute({ schema, document, variableValues, contextValue: contextValue() })).data),
    "graphql-yoga's executor": async (variableValues) =>
      JSON.stringify((await normalizedExecutor({ schema, document, variableValues, contextValue: contextValue() })).data),
    "graphql-jit": async (variableValues) =>
      JSON.stringify((await jit.query(null, contextValue(), variableValues)).data),
  };
};
const asked = { meetings: engines(query), tiny: engines(tiny) };

const answer = async ({ engine, what, variables, count }) => {
  const run = asked[what][engine];
  if (count === 0) return { json: await run(variables) };
  const started = process.cpuUsage();
  for (let n = 0; n < count; n++) await run(variables);
  const used = process.cpuUsage(started);
  return { ms: (used.user + used.system) / 1000 / count };
};
readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
});
