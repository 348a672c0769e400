import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fakeAquifer } from 'aquifer';

import { eventually } from './support/eventually.mjs';

const handlers = () => ({
  'WorkerRepository/RecordWorkPoint': ({ workerId }) => ({ point: { id: workerId } }),
  'WorkerRepository/GetWorker': () => ({ worker: { id: 1 } }),
});
const point = (worker) => (repositories) =>
  repositories.workers.addWorkPoint(worker, { deviceId: '1' });
const quick = { fallback: null, patienceMs: 20 };

function fake(outbox = {}) {
  const aquifer = fakeAquifer(handlers(), { outbox: { pauseMs: 10, ...outbox } });
  aquifer.told = [];
  for (const event of ['suppressed', 'held', 'delivered', 'dropped']) {
    aquifer.on(event, ({ why, requestId }) => aquifer.told.push([event, why ?? requestId]));
  }
  return aquifer;
}

test('what goes well is answered as it is', async () => {
  const aquifer = fake();
  assert.equal((await aquifer.safeExecute(point(5), quick)).id, 5n);
  assert.deepEqual(aquifer.told, []);
});

test('a write that cannot be delivered is delivered later under its first request_id', async () => {
  const aquifer = fake();
  aquifer.fake.setUp(false);
  for (const worker of [1, 2, 3])
    assert.equal(await aquifer.safeExecute(point(worker), quick), null);
  assert.equal(aquifer.outboxStats.held, 3);
  assert.ok(aquifer.outboxStats.oldest instanceof Date);

  aquifer.fake.setUp(true);
  assert.equal(await aquifer.flushOutbox(10_000), true);

  const requests = aquifer.fake.requestsOf('WorkerRepository/RecordWorkPoint');
  const firstIds = requests
    .filter(({ workerId }) => workerId === 1n)
    .map(({ requestId }) => requestId);
  assert.ok(firstIds.length >= 2);
  assert.equal(new Set(firstIds).size, 1);
  // In the order in which they were asked for.
  assert.deepEqual(
    requests.slice(-3).map(({ workerId }) => workerId),
    [1n, 2n, 3n],
  );
  const { held, delivered, dropped } = aquifer.outboxStats;
  assert.deepEqual({ held, delivered, dropped }, { held: 0, delivered: 3, dropped: 0 });
});

test('while some wait, later ones queue behind them without waiting for the service', async () => {
  const aquifer = fake({ pauseMs: 60_000 });
  aquifer.fake.setUp(false);
  await aquifer.safeExecute(point(1), quick);
  const before = aquifer.fake.calls.length;
  await aquifer.safeExecute(point(2), quick);
  assert.deepEqual([aquifer.outboxStats.held, aquifer.fake.calls.length - before], [2, 0]);
  await aquifer.close({ drainMs: 0 });
});

test('a full outbox drops the newcomer and says so', async () => {
  const aquifer = fake({ capacity: 2, pauseMs: 60_000 });
  aquifer.fake.setUp(false);
  for (const worker of [1, 2, 3, 4]) await aquifer.safeExecute(point(worker), quick);
  assert.deepEqual([aquifer.outboxStats.held, aquifer.outboxStats.dropped], [2, 2]);
  assert.deepEqual(
    aquifer.told.filter(([event]) => event === 'dropped'),
    [
      ['dropped', 'full'],
      ['dropped', 'full'],
    ],
  );
  const { dropped, held } = await aquifer.close({ drainMs: 0 });
  assert.deepEqual({ dropped, held }, { dropped: 4, held: 0 });
});

test('a write that waited too long is dropped, for its request_id is forgotten', async () => {
  const aquifer = fake({ keepMs: 1 });
  aquifer.fake.setUp(false);
  await aquifer.safeExecute(point(1), quick);
  await eventually(() => aquifer.outboxStats.dropped === 1);
  assert.deepEqual(aquifer.told.at(-1), ['dropped', 'expired']);
});

test('a write that is refused later is dropped, and the others go on', async () => {
  const aquifer = fake();
  aquifer.fake.setUp(false);
  for (const worker of [1, 2]) await aquifer.safeExecute(point(worker), quick);
  aquifer.fake.fail('WorkerRepository/RecordWorkPoint', {
    code: 'FAILED_PRECONDITION',
    reason: 'WORKER_NOT_ON_SHIFT',
  });
  aquifer.fake.setUp(true);
  await aquifer.flushOutbox(10_000);
  assert.deepEqual([aquifer.outboxStats.delivered, aquifer.outboxStats.dropped], [1, 1]);
});

test('a refusal and a failed read become the fallback and are not held', async () => {
  const aquifer = fake();
  aquifer.fake.fail('WorkerRepository/RecordWorkPoint', {
    code: 'NOT_FOUND',
    reason: 'WORKER_NOT_FOUND',
  });
  assert.equal(
    await aquifer.safeExecute(point(1), { fallback: (error) => error.reason }),
    'WORKER_NOT_FOUND',
  );
  aquifer.fake.setUp(false);
  const read = (repositories) => repositories.workers.getWorkerById(1);
  assert.deepEqual(await aquifer.safeExecute(read, { fallback: [], patienceMs: 20 }), []);
  assert.equal(aquifer.outboxStats.held, 0);
});

test('a lease is never taken later', async () => {
  const aquifer = fake();
  aquifer.fake.setUp(false);
  const begin = ({ api }) =>
    api.jobs.beginJobRun({
      job: 'j',
      key: 'k',
      holder: 'h',
      leaseMs: 1000,
      leaseToken: '01234567-89ab-4def-8123-456789abcdef',
    });
  await aquifer.safeExecute(begin, quick);
  assert.equal(aquifer.outboxStats.held, 0);
});
