// Decodes a router's trace, as routers do: what it holds, as JSON.   node decode.mjs BASE64
import { Trace } from "@apollo/usage-reporting-protobuf";
console.log(JSON.stringify(Trace.decode(Buffer.from(process.argv[2], "base64"))));
