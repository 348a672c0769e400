// Every test file in one process, so that they can share a server.
import { readdirSync } from 'node:fs';

for (const name of readdirSync(new URL('.', import.meta.url)).sort()) {
  if (name.endsWith('.test.mjs')) await import(`./${name}`);
}
