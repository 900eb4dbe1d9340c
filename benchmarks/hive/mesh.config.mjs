// The supergraph: Salesloft's lists by their OpenAPI description, and the fields that join them.
import { defineConfig } from "@graphql-mesh/compose-cli";
import { loadOpenAPISubgraph } from "@omnigraph/openapi";

const whole = { type: "integer" };
const text = { type: "string" };
const object = (title, properties) => ({ type: "object", title, properties });
const stub = (id) => ({ type: "object", properties: { id } });
const rows = {
  Meeting: object("Meeting", {
    id: whole, title: text, start_time: text,
    person: { ...stub(whole), title: "PersonStub" },
    cadence: { ...stub(whole), title: "CadenceStub" },
    owned_by_user: { ...stub(text), title: "UserStub" },
    attendees: { type: "array", items: object("Attendee", { email: text, name: text, status: text }) },
  }),
  Person: object("Person", { id: whole, first_name: text, email_address: text }),
  Cadence: object("Cadence", { id: whole, name: text }),
  User: object("User", { id: whole, guid: text, name: text, email: text }),
};
const list = (operationId, kind, key, type) => ({
  get: {
    operationId,
    parameters: [
      ...["per_page", "page"].map((name) => ({ name, in: "query", schema: whole })),
      ...["sort_by", "sort_direction"].map((name) => ({ name, in: "query", schema: text })),
      { name: `${key}[]`, in: "query", style: "form", explode: true, schema: { type: "array", items: type } },
    ],
    responses: {
      200: {
        description: "A page.",
        content: {
          "application/json": { schema: object(`${kind}List`, { data: { type: "array", items: rows[kind] } }) },
        },
      },
    },
  },
});
const source = {
  openapi: "3.0.3",
  info: { title: "Salesloft", version: "2" },
  servers: [{ url: process.env.UPSTREAM }],
  paths: {
    "/v2/meetings": list("listMeetings", "Meeting", "ids", whole),
    "/v2/people": list("listPeople", "Person", "ids", whole),
    "/v2/cadences": list("listCadences", "Cadence", "ids", whole),
    "/v2/users": list("listUsers", "User", "guid", text),
  },
};

export const composeConfig = defineConfig({
  subgraphs: [{ sourceHandler: loadOpenAPISubgraph("Salesloft", { source, endpoint: process.env.UPSTREAM }) }],
  additionalTypeDefs: `
    extend type Meeting { fullPerson: Person fullCadence: Cadence owner: User }
    type MeetingConnection { nodes: [Meeting] }
    extend type Query { meetings(first: Int = 25): MeetingConnection }
  `,
});
