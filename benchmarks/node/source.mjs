// The graph that the gateways of Node.js answer, over one keep-alive pool; a DataLoader a kind and request.
import { Pool } from "undici";
import DataLoader from "dataloader";

const MOST_ROWS = 100;
const pool = new Pool(process.env.UPSTREAM, { connections: 64, pipelining: 1 });

export const get = async (path) => {
  const { statusCode, body } = await pool.request({ path, method: "GET" });
  const told = await body.json();
  if (statusCode >= 400) throw new Error(`upstream ${statusCode}`);
  return told.data;
};

export const many = async (path, param, key, keys) => {
  const asked = keys.map((each) => `${param}[]=${each}`).join("&");
  const found = new Map((await get(`${path}?per_page=${MOST_ROWS}&${asked}`)).map((row) => [row[key], row]));
  return keys.map((each) => found.get(each) ?? null);
};

export const kinds = {
  person: { path: "/v2/people", param: "ids", key: "id", of: (meeting) => meeting.person.id },
  cadence: { path: "/v2/cadences", param: "ids", key: "id", of: (meeting) => meeting.cadence.id },
  owner: { path: "/v2/users", param: "guid", key: "guid", of: (meeting) => meeting.owned_by_user.id },
};

export const loaders = () =>
  Object.fromEntries(
    Object.entries(kinds).map(([name, { path, param, key }]) => [
      name,
      new DataLoader((keys) => many(path, param, key, keys), { maxBatchSize: MOST_ROWS }),
    ]),
  );

export const typeDefs = `
scalar DateTime
type Query { meetings(first: Int = 25, filter: MeetingFilter): MeetingConnection! }
input MeetingFilter { startTime: DateTimeRange endTime: DateTimeRange }
input DateTimeRange { gt: DateTime gte: DateTime lt: DateTime lte: DateTime }
type MeetingConnection { nodes: [Meeting!]! }
type Meeting {
  sourceId: ID! title: String startTime: String person: Person cadence: Cadence owner: User attendees: [Attendee!]!
}
type Person { salesloftId: ID! firstName: String email: String }
type Cadence { salesloftId: ID! name: String }
type User { salesloftId: ID! name: String email: String }
type Attendee { email: String name: String status: String }
`;

export const plain = {
  Query: {
    meetings: async (_, { first, filter }) => {
      const { startTime = {}, endTime = {} } = filter ?? {};
      const bounds = Object.entries(startTime).map(([bound, at]) => `&start_time[${bound}]=${encodeURIComponent(at)}`);
      const order = `sort_by=start_time&sort_direction=DESC${bounds.join("")}`;
      const size = Math.min(first, MOST_ROWS);
      const pages = Array.from({ length: Math.ceil(first / MOST_ROWS) }, (_, page) =>
        get(`/v2/meetings?per_page=${size}&page=${page + 1}&${order}`),
      );
      const rows = (await Promise.all(pages)).flat();
      return { nodes: endTime.gt ? rows.filter((row) => row.end_time > endTime.gt) : rows };
    },
  },
  Meeting: { sourceId: (row) => row.id, startTime: (row) => row.start_time },
  Person: { salesloftId: (row) => row.id, firstName: (row) => row.first_name, email: (row) => row.email_address },
  Cadence: { salesloftId: (row) => row.id },
  User: { salesloftId: (row) => row.id },
};
