// Runs every GraphQL-over-HTTP audit of the specification's own suite against a gateway; one line of JSON for each.
import { auditServer } from "graphql-http";

for (const { id, name, status, reason } of await auditServer({ url: process.argv[2] })) {
  console.log(JSON.stringify({ id, name, status, reason: reason ?? null }));
}
