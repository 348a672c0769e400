// The examples of client/examples, run as their users would run them.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { connect, dayOf } from 'aquifer';

import { eventually } from './support/eventually.mjs';
import { sharedServer } from './support/shared_server.mjs';
import { startTelegram, startVendor } from './support/stubs.mjs';

const examples = fileURLToPath(new URL('../examples', import.meta.url));
const server = await sharedServer();
const run = promisify(execFile);
const environment = { ...process.env, AQUIFER: server.address, AQUIFER_URL: server.address };

const DAY = '2026-02-10';
const line = (time, banknotes, coins) => ({
  time: `${DAY} ${time}`,
  card_id: '7',
  banknotes,
  coins,
  description: 'Інкасація',
});

test('the scheduler fetches a day once, and the check fetches what failed', async () => {
  const vendor = await startVendor({
    E1: [line('09:00:00', '100.00', '0'), line('09:00:04', '0', '1.50')],
    E2: [],
    '0_Cards': [line('10:00:00', '20', '0')],
  });
  const scheduler = async (...args) => {
    const options = { env: { ...environment, VENDOR_URL: vendor.url }, timeout: 60_000 };
    return (
      await run(process.execPath, [join(examples, 'scheduler/scheduler.mjs'), ...args], options)
    ).stdout.trim();
  };
  vendor.failing.add('0_Cards');
  // Two at once: one does it, the other finds it held or done.
  const both = await Promise.all([scheduler('fetch', DAY), scheduler('fetch', DAY)]);
  assert.equal(
    both.filter((text) => text === `daily-fetch ${DAY}: 2 lines of 3 device-days, 1 failed`).length,
    1,
    both.join('; '),
  );
  assert.match(await scheduler('fetch', DAY), /was done before: 2 lines/);

  vendor.failing.clear();
  assert.match(await scheduler('check', DAY), /: \d+ lines of \d+ device-days, 0 failed$/);

  const aquifer = connect(server.address);
  const total = await aquifer.collections.getCollectionStatistics(DAY, DAY);
  assert.deepEqual([total.lines, total.totalMinor], [3n, 12150n]);
  assert.deepEqual(
    await aquifer.collections.getDevicesWithMissingData(DAY, ['E1', 'E2', '0_Cards']),
    [],
  );
  await aquifer.close();
  vendor.close();
});

test('the bot answers commands, keeps a dialogue and says when the service is away', async () => {
  const telegram = await startTelegram();
  const bot = spawn(process.execPath, [join(examples, 'bot/bot.mjs')], {
    env: { ...environment, BOT_API: telegram.url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  bot.stderr.on('data', (text) => (log += text));
  // A chat of a group, beyond what an int32 holds.
  const chat = -1001234567890;
  const ask = async (message) => {
    const before = telegram.answers(chat).length;
    telegram.say(chat, message);
    await eventually(() => telegram.answers(chat).length > before, 30_000);
    return telegram.answers(chat).at(-1);
  };
  try {
    const aquifer = connect(server.address);
    await aquifer.collections.saveCollectionData({
      deviceId: 'B1',
      collectedAt: new Date(),
      banknotesText: '55.50',
    });
    const today = dayOf(new Date(), 'Europe/Kyiv');
    assert.match(await ask(`/day ${today}`), /B1: 55.50 UAH, 1 visits/);
    assert.match(await ask('/day 1999-01-01'), /nothing was collected/);
    assert.match(await ask('/day yesterday'), /I do not understand/);
    assert.match(await ask('/month'), /UAH/);
    assert.equal(await ask('/history'), 'Which device?');
    assert.equal(await ask('B1'), `${today}: 55.50 UAH`);
    assert.match(await ask('hello'), /I know/);
    assert.equal(await ask('/shift'), 'The shift has begun.');
    assert.equal(await ask({ location: { latitude: 50.4, longitude: 30.5 } }), 'Noted.');
    assert.match(await ask('/shift'), /lasted 0 minutes/);

    await server.kill();
    assert.match(await ask('/month'), /The service is away/);
    await server.startAgain();
    await eventually(async () => /UAH/.test(await ask('/month')));
    assert.match(log, /the server is away\n[^]*the server is back after/);
    assert.ok(!log.includes('Іван') && !log.includes(String(chat)), log);
    await aquifer.close();
  } finally {
    bot.kill('SIGTERM');
    await once(bot, 'exit');
    telegram.close();
  }
  assert.match(log, /stopped; 0 writes held, 0 dropped/);
});

const hasBuf = (() => {
  try {
    execFileSync('buf', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

test(
  'the shell script records, sums and finds what is missing',
  { skip: !hasBuf && 'there is no buf' },
  async () => {
    const script = async (...args) =>
      (await run(join(examples, 'shell/collections.sh'), args, { env: environment })).stdout.trim();
    const day = '2025-11-05';
    assert.equal(
      await script('record', 'S1', `${day} 09:00:00`, '15.50', '0'),
      'RECORD_OUTCOME_INSERTED 15.50',
    );
    assert.equal(
      await script('record', 'S1', `${day} 09:00:00`, '15.50', '0'),
      'RECORD_OUTCOME_UNCHANGED 15.50',
    );
    await script('record', 'S2', `${day} 10:00:00`, '0', '0.05');
    assert.equal(await script('total', day), 'S1 15.50\nS2 0.05\ntotal 15.55');
    assert.match(await script('missing', day), /^2025-11-5 S1 FETCH_STATE_NEVER$/m);
    await assert.rejects(
      script('record', '', `${day} 09:00:00`, '1', '0'),
      /line.device_id is required/,
    );
  },
);

test('the Python report is plain grpcio and reads errors', async () => {
  const modules = mkdtempSync(join(tmpdir(), 'aquifer-python-'));
  const aquifer = connect(server.address);
  for (const [deviceId, amount] of [
    ['P1', '1520.50'],
    ['P2', '0.05'],
  ]) {
    await aquifer.collections.saveCollectionData({
      deviceId,
      wallTime: '2025-07-31 23:30:00',
      banknotesText: amount,
    });
  }
  await aquifer.close();
  try {
    await run(join(examples, 'python/generate'), [modules]);
    // Debian's own, which is the one that has python3-grpcio.
    const report = (...args) =>
      run('/usr/bin/python3', [join(examples, 'python/month_report.py'), ...args], {
        env: { ...environment, AQUIFER_MODULES: modules },
      });
    const { stdout } = await report('2025-07');
    assert.equal(
      stdout,
      'device,lines,visits,total\nP1,1,1,1520.50\nP2,1,1,0.05\nall,2,2,1520.55\n',
    );
    await assert.rejects(
      report('1969-01'),
      /INVALID_ARGUMENT \(INVALID_FIELDS\): filter.days.first.year/,
    );
  } finally {
    rmSync(modules, { recursive: true });
  }
});
