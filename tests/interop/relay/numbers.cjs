// Reads records of several tables that bear one number out of Relay's store, which keeps each under its `id` alone.
const assert = require("node:assert/strict");
const { createOperationDescriptor, Environment, fetchQuery, Network, RecordSource, Store } = require("relay-runtime");

const [url, small, large] = process.argv.slice(2);
const numbers = require("./__generated__/queriesNumbersQuery.graphql");
const answers = [];

async function ask(operation, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: operation.text, operationName: operation.name, variables }),
  });
  const answer = await response.json();
  answers.push(answer);
  return answer;
}

async function main() {
  const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
  const variables = { small, large };
  await fetchQuery(environment, numbers, variables).toPromise();
  const { data } = environment.lookup(createOperationDescriptor(numbers, variables).fragment);
  assert.equal(answers.length, 1);
  assert.equal(answers[0].errors, undefined);
  for (const [kind, number] of Object.entries({ user: small, cadence: small, step: small, person: large, account: large })) {
    assert.equal(data[kind].salesloft.vendorId, number);
    assert.equal(data[kind].salesloft.name, data[kind].name, kind);
    assert.equal(data[kind].salesloft.createdAt, data[kind].createdAt, kind);
    console.log(`ok ${kind} ${number} is its own`);
  }
  assert.equal(data.cadence.salesloft.owner.vendorId, answers[0].data.cadence.salesloft.owner.vendorId);
  console.log("done");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
