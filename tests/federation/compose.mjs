// Composes subgraphs with one of three composers: what it has against them, or the supergraph; a line of JSON for each
// set of subgraphs, which `and` parts.
//
//   node compose.mjs apollo|guild|wundergraph NAME=FILE ... and NAME=FILE ...
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, printSchema } from "graphql";

const composers = {
  async apollo(subgraphs) {
    const { composeServices } = await import("@apollo/composition");
    const { errors, supergraphSdl } = composeServices(subgraphs);
    return { errors: errors?.map(String) ?? [], supergraph: supergraphSdl };
  },
  async guild(subgraphs) {
    const { composeServices, compositionHasErrors } = await import("@theguild/federation-composition");
    const composed = composeServices(subgraphs);
    return { errors: compositionHasErrors(composed) ? composed.errors.map(String) : [], supergraph: composed.supergraphSdl };
  },
  async wundergraph(subgraphs) {
    const { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE } = await import("@wundergraph/composition");
    const composed = federateSubgraphs({
      subgraphs: subgraphs.map(({ name, url, typeDefs }) => ({ name, url, definitions: typeDefs })),
      version: ROUTER_COMPATIBILITY_VERSION_ONE,
    });
    if (!composed.success) return { errors: composed.errors.map(String) };
    return { errors: [], supergraph: printSchema(composed.federatedGraphSchema) };
  },
};

/** @param subgraphs [{ name, url, text }] */
export function compose(composer, subgraphs) {
  return composers[composer](subgraphs.map(({ name, url, text }) => ({ name, url, typeDefs: parse(text) })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [composer, ...given] = process.argv.slice(2);
  for (const set of given.join(" ").split(" and ")) {
    const subgraphs = set.split(" ").map((each) => {
      const [name, file] = each.split("=");
      return { name, url: `http://${name}.example/graphql`, text: readFileSync(file, "utf8") };
    });
    console.log(JSON.stringify(await compose(composer, subgraphs)));
  }
}
