// The public schema of a contract that leaves out what bears a tag, by one of three: what they have against it, or the schema.
//
//   node contract.mjs apollo|hive|cosmo TAG NAME=FILE ...
//
// Apollo makes contracts on its servers alone; what they are (what is left out is @inaccessible) its composer is given.
import { readFileSync } from "node:fs";
import { parse, printSchema } from "graphql";

// Node.js 22 has it, which Cosmo's function asks for; the oldest that the others run on does not.
Set.prototype.isDisjointFrom ??= function (other) {
  return ![...this].some((each) => other.has(each));
};

const makers = {
  async apollo(subgraphs, tag) {
    const { applyTagFilterOnSubgraphs } = await import("@theguild/federation-composition");
    const { composeServices } = await import("@apollo/composition");
    const { Supergraph } = await import("@apollo/federation-internals");
    const filtered = applyTagFilterOnSubgraphs(subgraphs, { include: new Set(), exclude: new Set([tag]) });
    const { errors, supergraphSdl } = composeServices(filtered);
    if (errors) return { errors: errors.map(String) };
    return { errors: [], schema: printSchema(Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema()) };
  },
  async hive(subgraphs, tag) {
    const { composeSchemaContract, compositionHasErrors } = await import("@theguild/federation-composition");
    const composed = composeSchemaContract(subgraphs, { include: new Set(), exclude: new Set([tag]) }, true);
    if (compositionHasErrors(composed)) return { errors: composed.errors.map(String) };
    return { errors: [], schema: composed.publicSdl };
  },
  async cosmo(subgraphs, tag) {
    const { ROUTER_COMPATIBILITY_VERSION_ONE, federateSubgraphsContract } = await import("@wundergraph/composition");
    const composed = federateSubgraphsContract({
      subgraphs: subgraphs.map(({ name, url, typeDefs }) => ({ name, url, definitions: typeDefs })),
      contractTagOptions: { tagNamesToExclude: new Set([tag]), tagNamesToInclude: new Set() },
      version: ROUTER_COMPATIBILITY_VERSION_ONE,
    });
    if (!composed.success) return { errors: composed.errors.map(String) };
    return { errors: [], schema: printSchema(composed.federatedGraphClientSchema) };
  },
};

const [maker, tag, ...given] = process.argv.slice(2);
const subgraphs = given.map((each) => {
  const [name, file] = each.split("=");
  return { name, url: `http://${name}.example/graphql`, typeDefs: parse(readFileSync(file, "utf8")) };
});
console.log(JSON.stringify(await makers[maker](subgraphs, tag)));
