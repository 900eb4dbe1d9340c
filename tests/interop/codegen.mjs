// GraphQL Code Generator's client preset over the gateway's own introspection; what it writes is checked by TypeScript.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { codegen } from "@graphql-codegen/core";
import { preset } from "@graphql-codegen/client-preset";
import { buildClientSchema, getIntrospectionQuery, parse, printSchema } from "graphql";
import ts from "typescript";
import { check, done, equal } from "./checks.mjs";

const url = process.argv[2];
const SCALARS = { DateTime: "string", Date: "string", JSON: "unknown" };
const DOCUMENT = `
  query Next($after: String, $filter: MeetingFilter) {
    meetings(first: 3, after: $after, filter: $filter) {
      nodes { id startTime status durationMinutes person { id name } salesloft { vendorId } drift { slug } }
      pageInfo { hasNextPage endCursor }
      sourceReports { source status }
    }
  }
`;

// A page that a frontend developer writes: it uses what was generated, as it should be used.
const PAGE = `
  import { graphql } from "./gql/gql";
  import type { MeetingFilter, NextQuery, NextQueryVariables } from "./gql/graphql";

  export const NEXT = graphql(${JSON.stringify(DOCUMENT)});
  export const filter: MeetingFilter = { startTime: { gte: "2026-03-01T00:00:00Z" }, status: ["BOOKED"] };
  export const variables: NextQueryVariables = { filter };
  export function title(data: NextQuery): string[] {
    return (data.meetings?.nodes ?? []).map((node) => {
      const id: string = node.id;
      const start: string | null | undefined = node.startTime;
      const minutes: number | null | undefined = node.durationMinutes;
      const person: string | null | undefined = node.person?.name;
      const vendor: string | null | undefined = node.salesloft?.vendorId;
      return [id, start, minutes, person, vendor].join(" ");
    });
  }
`;
const WRONG = `${PAGE}\n  export const wrong: NextQueryVariables = { filter: { startTimes: null } };\n`;

async function introspected(options) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query: getIntrospectionQuery(options) }),
  });
  return buildClientSchema((await answer.json()).data);
}

function faults(file) {
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    types: [],
  };
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options)).map((fault) => ts.flattenDiagnosticMessageText(fault.messageText, "\n"));
}

const newest = await introspected({ inputValueDeprecation: true, oneOf: true, specifiedByUrl: true, schemaDescription: true });
const plain = await introspected({ descriptions: false });
equal(Object.keys(plain.getTypeMap()).sort(), Object.keys(newest.getTypeMap()).sort(), "old tools see the same types");

const folder = await mkdtemp(join(tmpdir(), "codegen-"));
await symlink(join(dirname(fileURLToPath(import.meta.url)), "node_modules"), join(folder, "node_modules"));
await mkdir(join(folder, "gql"));
const sections = await preset.buildGeneratesSection({
  baseOutputDir: join(folder, "gql/"),
  config: { scalars: SCALARS, enumsAsTypes: true, useTypeImports: true },
  presetConfig: {},
  schema: parse(printSchema(newest)),
  schemaAst: newest,
  documents: [{ document: parse(DOCUMENT), rawSDL: DOCUMENT, location: join(folder, "page.ts") }],
  plugins: [],
  pluginMap: {},
});
for (const section of sections) await writeFile(section.filename, await codegen(section));
const types = await readFile(join(folder, "gql/graphql.ts"), "utf8");
check(types.includes("startTime"), "the fields that are asked for are typed");

await writeFile(join(folder, "page.ts"), PAGE);
equal(faults(join(folder, "page.ts")), [], "the page compiles");
await writeFile(join(folder, "page.ts"), WRONG);
check(faults(join(folder, "page.ts")).some((text) => text.includes("startTimes")), "a condition that does not exist does not compile");
await rm(folder, { recursive: true });
done();
