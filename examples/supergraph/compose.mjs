// Asks subgraphs for their texts and writes the supergraph to its output, or says why they do not go together.
//
//   node compose.mjs NAME=URL ...
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

const subgraphs = await Promise.all(
  process.argv.slice(2).map(async (given) => {
    const [name, url] = given.split("=");
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "router-authorization": process.env.ROUTER_KEY ?? "" },
      body: JSON.stringify({ query: "{ _service { sdl } }" }),
    });
    const { data, errors } = await response.json();
    if (!data) throw new Error(`${name}: ${errors[0].message}`);
    return { name, url, typeDefs: parse(data._service.sdl) };
  }),
);
const { errors, supergraphSdl } = composeServices(subgraphs);
if (errors) {
  for (const error of errors) console.error(error.message);
  process.exit(1);
}
console.log(supergraphSdl);
