// A list in Relay's store that docs/clients.md's `follow` keeps fresh, while something happens in the world all the time
// and connections break: in the end it is what asking for it anew gives.
import { createOperationDescriptor, fetchQuery } from "relay-runtime";
import history from "./__generated__/historyQuery.graphql.js";
import { check, done } from "./checks.mjs";

const KEY = "history_meetings";
const COUNT = 100;

// Every stream is seen on its way, and can be broken off.
const streams = [];
const changes = [];
const plain = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  if (!String(new Headers(options.headers).get("accept")).includes("event-stream")) return plain(url, options);
  const cut = new AbortController();
  options.signal?.addEventListener("abort", () => cut.abort());
  streams.push({ since: JSON.parse(options.body).variables.since, cut });
  const response = await plain(url, { ...options, signal: cut.signal });
  const [seen, taken] = response.body.tee();
  watch(seen).catch(() => {}); // it breaks off with the other one
  return new Response(taken, response);
};

async function watch(body) {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = /^data: (\{.*)$/m.exec(block);
      if (data) changes.push(JSON.parse(data[1]).data.meetingChanged);
    }
  }
}

const { environment } = await import("./environment.mjs"); // which takes `fetch` as it is by now
const { follow } = await import("./live.js");
const operation = createOperationDescriptor(history, { count: COUNT });
environment.retain(operation);

const lookUp = () => environment.lookup(operation.fragment);
function listed() {
  const source = environment.getStore().getSource();
  const list = source.get(`client:root:__${KEY}_connection`);
  return (list?.edges?.__refs ?? []).map((ref) => source.get(source.get(ref).node.__ref));
}

async function until(holds, what) {
  for (let turns = 0; turns < 1200 && !(await holds()); turns += 1) await new Promise((next) => setTimeout(next, 50));
  check(await holds(), what);
}

let refetched = 0;
const refetch = () => {
  refetched += 1;
  fetchQuery(environment, history, { count: COUNT }).toPromise();
};
const stop = follow(environment, KEY, refetch);
await until(() => refetched === 1 && listed().length > 0, "READY, and the list is asked for");
check(lookUp().data.sources.length > 0, "the page's other fields are there");
await until(() => changes.some(({ kind }) => kind === "CREATED"), "a meeting is booked");
await until(() => changes.filter(({ meetingId }) => meetingId).length >= 5, "and others change");

streams.at(-1).cut.abort();
await until(() => streams.length === 2, "a stream that broke off begins again");
check(changes.some(({ cursor }) => cursor === streams[1].since), "after what was heard last");
const before = changes.length;
await until(() => changes.slice(before).filter(({ meetingId }) => meetingId).length >= 3, "and hears of later changes");

const query = `{ meetings(first: ${COUNT}) { nodes { id title startTime status } } }`;
async function fresh() {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ query }) };
  const { data } = await (await plain(process.argv[2], options)).json();
  return data.meetings.nodes;
}
const shape = ({ id, title, startTime, status }) => JSON.stringify([id, title, startTime, status]);
await until(async () => {
  const wanted = (await fresh()).map(shape);
  const found = listed().map(shape);
  return JSON.stringify(found.slice(0, wanted.length)) === JSON.stringify(wanted);
}, "the list is what asking for it anew gives");
check(refetched === 1, "and it was asked for once");
stop();
done();
setTimeout(() => process.exit(0), 100).unref();
