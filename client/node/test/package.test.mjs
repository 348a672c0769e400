// The package as npm packs it, in an empty project: from ESM, from CommonJS, from strict TypeScript.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { sharedServer } from './support/shared_server.mjs';

const home = join(fileURLToPath(new URL('.', import.meta.url)), '..');
const project = mkdtempSync(join(tmpdir(), 'aquifer-project-'));
const server = await sharedServer();

const run = (program, ...args) =>
  execFileSync(program, args, { cwd: project, encoding: 'utf8', timeout: 120_000 });

before(async () => {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
      cwd: home,
      encoding: 'utf8',
    }),
  );
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }');
  run(
    'npm',
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--prefer-offline',
    `./${packed[0].filename}`,
  );
});
after(() => rmSync(project, { recursive: true, force: true }));

const day = `
const line = { deviceId: '164', wallTime: '2026-03-28 14:05:09', banknotesText: '1520.50' };
`;

test('the package has what it needs and nothing else', () => {
  const installed = JSON.parse(
    readFileSync(join(project, 'node_modules/aquifer/package.json'), 'utf8'),
  );
  assert.deepEqual(Object.keys(installed.dependencies), ['@grpc/grpc-js']);
  assert.throws(() => readFileSync(join(project, 'node_modules/aquifer/src/client.ts')), {
    code: 'ENOENT',
  });
});

test('the packed package works from an ESM file', () => {
  writeFileSync(
    join(project, 'a.mjs'),
    `
import { connect, formatMoney } from 'aquifer';${day}
const aquifer = connect('${server.address}');
const { collection } = await aquifer.api.collections.recordCollection({ line });
console.log(formatMoney(collection.totalMinor));
await aquifer.close();`,
  );
  assert.equal(run('node', 'a.mjs'), '1520.50\n');
});

test('the packed package works from a CommonJS file, and both see one AquiferError', () => {
  writeFileSync(
    join(project, 'b.cjs'),
    `
const { AquiferError, connect } = require('aquifer');${day}
(async () => {
  const aquifer = connect('${server.address}');
  await aquifer.collections.saveCollectionData(line);
  console.log(await aquifer.collections.checkDataExists('164', '2026-03-28'));
  console.log((await import('aquifer')).AquiferError === AquiferError);
  await aquifer.close();
})();`,
  );
  assert.equal(run('node', 'b.cjs'), 'true\ntrue\n');
});

test('the packed package works from TypeScript with strict, in both kinds of modules', () => {
  const types = join(project, 'node_modules/@types');
  mkdirSync(types, { recursive: true });
  rmSync(join(types, 'node'), { recursive: true, force: true });
  symlinkSync(join(home, 'node_modules/@types/node'), join(types, 'node'));
  const text = `
import { AquiferError, FeatureSwitches, type Collection, type FakeHandlers, connect, fakeAquifer } from 'aquifer';

const handlers: FakeHandlers = {
  'WorkerRepository/GetWorker': (request) => ({ worker: { id: 1n, chatId: request.chatId ?? 0n } }),
};
async function main(): Promise<void> {
  const aquifer = connect('${server.address}');
  const lines: Collection[] = await aquifer.collections.getCollectionDataByDateRange('2026-03-28', '2026-03-28');
  const total: bigint = lines.reduce((sum, line) => sum + line.totalMinor, 0n);
  const status = await aquifer.api.admin.getStatus();
  const level: 'HEALTH_LEVEL_HEALTHY' | string = status.health?.level ?? 'none';
  const worker = await fakeAquifer(handlers).workers.getWorkerByChatId('9007199254740993');
  const held: { id: bigint } | null = await aquifer.safeExecute(
    ({ workers }) => workers.addWorkPoint(1n, { deviceId: '1' }),
    { fallback: null },
  );
  const old = { count: async (day: string) => day.length };
  const repository = new FeatureSwitches().repository('x', { legacy: old, aquifer: { count: async () => 1 } });
  const counted: number = await repository.count('ab');
  try {
    // @ts-expect-error A float is no amount.
    await aquifer.collections.saveCollectionData({ deviceId: '1', banknotesMinor: { value: 1.5 } });
  } catch (error) {
    if (!(error instanceof AquiferError)) throw error;
  }
  // @ts-expect-error There is no such state.
  await aquifer.maintenance.getMaintenanceTasksByStatus('urgent').catch(() => undefined);
  // @ts-expect-error A task needs a title.
  await aquifer.api.maintenance.createTask({ details: { type: 'TASK_TYPE_SYSTEM_CLEANING' } }).catch(() => undefined);
  aquifer.on('dropped', ({ why }) => console.error(why));
  console.log(total, typeof level, worker?.chatId, held, counted);
  await aquifer.close();
}
void main();
`;
  for (const name of ['c.mts', 'd.cts']) writeFileSync(join(project, name), text);
  run(
    'node',
    join(home, 'node_modules/typescript/bin/tsc'),
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2022',
    '--module',
    'node16',
    '--moduleResolution',
    'node16',
    '--skipLibCheck',
    'false',
    '--types',
    'node',
    'c.mts',
    'd.cts',
  );
  for (const name of ['c.mjs', 'd.cjs'])
    assert.equal(run('node', name), '152050n string 9007199254740993n null 2\n');
});
