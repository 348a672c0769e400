// Writes src/generated from the protos.
// Usage: node codegen/generate.mjs [PROTO_ROOT]    (the repository's, unless AQUIFER_PROTO says)
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { apiFile, methodsFile } from './api.mjs';
import { codecFile } from './codec.mjs';
import { loadModel } from './descriptors.mjs';
import { typesFile } from './types.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = process.argv[2] ?? process.env.AQUIFER_PROTO ?? join(here, '../../../proto');
const folder = join(here, '../src/generated');
const model = loadModel(root);

mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries({
  'types.ts': typesFile(model),
  'codec.ts': codecFile(model),
  'methods.ts': methodsFile(model),
  'api.ts': apiFile(model),
})) {
  writeFileSync(
    join(folder, name),
    `// Generated from the protos by codegen/generate.mjs.\n${text}`,
  );
}
