// Hive Gateway over that supergraph: one process, batched look-ups by key.
import { defineConfig } from "@graphql-hive/gateway";

const bracketed = (name) => `${name}_LEFT_SQUARE_BRACE__RIGHT_SQUARE_BRACE_`;
const joined = (operation, stub, param, key, fields) => ({
  selectionSet: `{ ${stub} { id } }`,
  resolve: (root, _, context, info) =>
    root[stub]?.id == null
      ? null
      : context.Salesloft.Query[operation]({
          root, context, info,
          key: root[stub].id,
          argsFromKeys: (keys) => ({ [bracketed(param)]: [...new Set(keys)], per_page: 100 }),
          valuesFromResults: (page, keys) => {
            const found = new Map((page?.data ?? []).map((row) => [row[key], row]));
            return keys.map((each) => found.get(each) ?? null);
          },
          selectionSet: `{ data { ${key} ${fields} } }`,
        }),
});
const page = `{ data { id title start_time person { id } cadence { id } owned_by_user { id }
  attendees { email name status } } }`;

export const gatewayConfig = defineConfig({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  supergraph: process.env.SUPERGRAPH,
  fork: 1,
  logging: "error",
  disableWebsockets: true,
  additionalResolvers: [
    {
      Query: {
        meetings: {
          resolve: async (root, { first }, context, info) => {
            const args = { per_page: first, page: 1, sort_by: "start_time", sort_direction: "DESC" };
            const told = await context.Salesloft.Query.listMeetings({ root, args, context, info, selectionSet: page });
            return { nodes: told?.data };
          },
        },
      },
      Meeting: {
        fullPerson: joined("listPeople", "person", "ids", "id", "first_name email_address"),
        fullCadence: joined("listCadences", "cadence", "ids", "id", "name"),
        owner: joined("listUsers", "owned_by_user", "guid", "guid", "id name email"),
      },
    },
  ],
});
