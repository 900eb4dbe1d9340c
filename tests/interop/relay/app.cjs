// A Relay application over a gateway: the pagination fragment's next page, and one record fetched anew through `node`.
const assert = require("node:assert/strict");
const React = require("react");
const TestRenderer = require("react-test-renderer");
const { RelayEnvironmentProvider, useLazyLoadQuery, usePaginationFragment, useRefetchableFragment } = require("react-relay");
const { Environment, Network, RecordSource, Store } = require("relay-runtime");

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const url = process.argv[2];
const artifact = (name) => require(`./__generated__/${name}.graphql`);
const sent = [];

async function ask(operation, variables) {
  sent.push(operation.name);
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: operation.text, operationName: operation.name, variables }),
  });
  return response.json();
}

const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
const seen = {};

function Meeting({ meeting }) {
  const [data, refetch] = useRefetchableFragment(artifact("queriesMeeting_meeting"), meeting);
  seen.meeting = { data, refetch };
  return data.title;
}

function Meetings({ query }) {
  const page = usePaginationFragment(artifact("queriesMeetings_query"), query);
  seen.page = page;
  return page.data.meetings.edges.map(({ node }) => React.createElement(Meeting, { key: node.id, meeting: node }));
}

function App() {
  const data = useLazyLoadQuery(artifact("queriesAppQuery"), { count: 5 });
  return React.createElement(Meetings, { query: data });
}

const ids = () => seen.page.data.meetings.edges.map(({ node }) => node.id);

async function until(holds, what) {
  for (let turns = 0; turns < 500 && !holds(); turns += 1) {
    await TestRenderer.act(() => new Promise((next) => setTimeout(next, 10)));
  }
  assert.ok(holds(), what);
  console.log(`ok ${what}`);
}

async function main() {
  const tree = React.createElement(
    RelayEnvironmentProvider,
    { environment },
    React.createElement(React.Suspense, { fallback: "…" }, React.createElement(App)),
  );
  let rendered;
  await TestRenderer.act(async () => {
    rendered = TestRenderer.create(tree);
  });
  await until(() => seen.page && ids().length === 5, "a first page");
  assert.ok(seen.page.hasNext);
  await TestRenderer.act(async () => seen.page.loadNext(5));
  await until(() => ids().length === 10, "usePaginationFragment loads the next page");
  assert.equal(new Set(ids()).size, 10);
  await TestRenderer.act(async () => seen.meeting.refetch({}, { fetchPolicy: "network-only" }));
  await until(() => sent.includes("queriesMeetingRefetchQuery") && seen.meeting.data.id === ids().at(-1), "a record is fetched anew through node");
  assert.deepEqual(sent, ["queriesAppQuery", "queriesMeetingsPaginationQuery", "queriesMeetingRefetchQuery"]);
  await TestRenderer.act(async () => rendered.unmount());
  console.log("done");
}

main().then(
  () => process.exit(0), // React's scheduler would keep the process
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
