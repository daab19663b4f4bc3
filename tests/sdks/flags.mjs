// Reads flags as an app in Node does, with OpenFeature and its official provider of OFREP at the URL that
// is this program's argument.
//
// A line of JSON on standard input is a question, the line on standard output its answer; the end of the
// input is the end of this program.
//
//   {key, default, context}  → {value, reason, variant, overridden, error}
//
// `default` is what an app's code has: its type says which kind of flag is read.
import { createInterface } from 'node:readline';

import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';

await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: process.argv[2] }));
const client = OpenFeature.getClient();

const READS = {
  boolean: (...question) => client.getBooleanDetails(...question),
  number: (...question) => client.getNumberDetails(...question),
  string: (...question) => client.getStringDetails(...question),
  object: (...question) => client.getObjectDetails(...question),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { key, default: otherwise, context } = JSON.parse(line);
  const { value, reason, variant, flagMetadata, errorCode } = await READS[typeof otherwise](key, otherwise, context);
  const { overridden = false } = flagMetadata;
  const said = { value, reason, variant: variant ?? null, overridden, error: errorCode ?? null };
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
