// Writes dist/index.mjs, which hands out to `import` what `require` gets, so that both see one and
// the same AquiferError and a process has one copy of the package.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../dist');
const names = Object.keys(createRequire(import.meta.url)(join(dist, 'index.js')));
writeFileSync(
  join(dist, 'index.mjs'),
  `import aquifer from './index.js';\n\nexport const {\n${names.map((name) => `  ${name},`).join('\n')}\n} = aquifer;\n`,
);
writeFileSync(join(dist, 'index.d.mts'), "export * from './index.js';\n");
