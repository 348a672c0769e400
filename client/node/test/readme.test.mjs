// Runs every snippet of the README, in order, and compares what it prints with what stands below it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';

import { Server } from './support/server.mjs';

const home = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${home}/README.md`, 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text,
}));

// One of its own: the snippets say what a fresh one answers.
let server;
before(async () => {
  server = await Server.start();
});
after(() => server.stop());

blocks.forEach(({ language, text }, i) => {
  if (language === '') return;
  test(`the README's snippet ${i} prints what stands below it: ${/^(?:import|const).*|.+/.exec(text)[0]}`, () => {
    const file = `${home}/readme-${i}.${language === 'cjs' ? 'cjs' : 'mjs'}`;
    writeFileSync(file, text.replaceAll('127.0.0.1:50051', server.address));
    const printed = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 60_000 });
    const expected = blocks[i + 1]?.language === '' ? blocks[i + 1].text : '';
    assert.equal(printed, expected);
  });
});

test('the README has snippets', () => {
  assert.ok(blocks.filter(({ language }) => language !== '').length >= 9);
});
