// What a call does, seen over the fake: encoding, request ids, retries, errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AquiferError, fakeAquifer } from 'aquifer';

const task = { id: 1, details: { title: 't', type: 'TASK_TYPE_SYSTEM_CLEANING' } };

test('64-bit integers go and come exact, whatever they are given as', async () => {
  const aquifer = fakeAquifer({
    'WorkerRepository/GetWorker': ({ chatId }) => ({ worker: { chatId } }),
  });
  for (const chatId of [
    9007199254740993n,
    '9007199254740993',
    -1001234567890123456n,
    '-9223372036854775808',
    9223372036854775807n,
    2 ** 53 - 1,
    -1,
    127,
    128,
    2 ** 31,
    268435455n,
    268435456n,
    2n ** 56n,
  ]) {
    const worker = await aquifer.workers.getWorkerByChatId(chatId);
    assert.equal(worker.chatId, BigInt(chatId));
  }
  for (const bad of [
    2 ** 53,
    1.5,
    NaN,
    '1e3',
    '0x1',
    '',
    ' 1',
    2n ** 63n,
    '9223372036854775808',
    true,
    {},
  ]) {
    await assert.rejects(
      aquifer.workers.getWorkerByChatId(bad),
      { reason: 'INVALID_FIELDS' },
      String(bad),
    );
  }
});

test('every kind of field arrives as it was sent', async () => {
  const aquifer = fakeAquifer({
    'CollectionRepository/ListCollections': () => ({ collections: [line], nextPageToken: '' }),
    'CollectionRepository/StreamCollections': () => [{ collections: [line] }, { collections: [] }],
    'Admin/GetStatus': () => ({
      uptime: 90_061.5,
      pool: { closed: { idle: 3, broken: 2n ** 40n } },
    }),
  });
  const line = {
    id: 7n,
    deviceId: '0_Cards',
    collectedAt: '2026-03-28T12:05:09.123456Z',
    day: '2026-03-28',
    banknotesMinor: 1n,
    coinsMinor: 2n,
    totalMinor: 3n,
    collector: { text: 'Ð†Ð²Ð°Ð½', workerId: 5 },
    cardId: 'c'.repeat(200),
    note: 'ї'.repeat(9000),
    machine: 'м',
    version: 2n,
    createdAt: new Date(0),
    updatedAt: new Date(1),
  };
  const [got] = (await aquifer.api.collections.listCollections()).collections;
  assert.equal(got.note, line.note);
  assert.equal(got.cardId, line.cardId);
  assert.deepEqual(
    [got.day, String(got.collectedAt), String(got.createdAt)],
    ['2026-03-28', '2026-03-28T12:05:09.123456Z', '1970-01-01T00:00:00Z'],
  );
  assert.deepEqual(got.collector, { text: 'Ð†Ð²Ð°Ð½', workerId: 5n, workerName: '' });
  assert.equal(got.correctedAt, undefined);
  const pages = [];
  for await (const page of aquifer.api.collections.streamCollections())
    pages.push(page.collections.length);
  assert.deepEqual(pages, [1, 0]);
  const status = await aquifer.testConnection();
  assert.equal(status.uptime, 90_061.5);
  assert.deepEqual({ ...status.pool.closed }, { idle: 3n, broken: 2n ** 40n });
});

test('a mistyped field is refused, not dropped', async () => {
  const aquifer = fakeAquifer();
  await assert.rejects(aquifer.collections.saveCollectionData({ device_id: '1' }), (error) => {
    assert.ok(error instanceof AquiferError);
    assert.deepEqual(error.fields, [
      { field: 'device_id', description: 'is no field of CollectionLine' },
    ]);
    assert.equal(error.method, 'CollectionRepository/RecordCollection');
    return true;
  });
  for (const line of [
    { deviceId: 5 },
    { banknotesMinor: 15.5 },
    { collectedAt: 'yesterday' },
    { banknotesMinor: 1n, banknotesText: '1' },
  ]) {
    await assert.rejects(aquifer.collections.saveCollectionData(line), {
      reason: 'INVALID_FIELDS',
    });
  }
  assert.equal(aquifer.fake.calls.length, 0);
});

test('an update masks the fields it is given, and null clears one', async () => {
  const aquifer = fakeAquifer({ 'WorkerRepository/UpdateWorker': () => ({ worker: {} }) });
  await aquifer.workers.updateWorker(
    { id: 1n, version: 2n },
    { phone: null, receivesSummaries: true, name: undefined },
  );
  const [request] = aquifer.fake.requestsOf('WorkerRepository/UpdateWorker');
  assert.deepEqual(request.updateMask, ['phone', 'receives_summaries']);
  assert.equal(request.worker.phone, '');
});

test('all tries of a write share one request_id', async () => {
  const aquifer = fakeAquifer(
    { 'MaintenanceRepository/CreateTask': () => ({ task }) },
    { patienceMs: 10_000 },
  );
  aquifer.fake.fail('MaintenanceRepository/CreateTask', {
    code: 'UNAVAILABLE',
    reason: 'COMMIT_IN_DOUBT',
  });
  aquifer.fake.fail(
    'MaintenanceRepository/CreateTask',
    { code: 'UNAVAILABLE', fromServer: false },
    2,
  );
  await aquifer.maintenance.createMaintenanceTask(task.details);
  await aquifer.maintenance.createMaintenanceTask(task.details);
  const ids = aquifer.fake
    .requestsOf('MaintenanceRepository/CreateTask')
    .map(({ requestId }) => requestId);
  assert.equal(ids.length, 5);
  assert.equal(new Set(ids.slice(0, 4)).size, 1);
  assert.notEqual(ids[0], ids[4]);
  assert.match(ids[0], /^[0-9a-f-]{36}$/);
  const given = '01234567-89ab-4def-8123-456789abcdef';
  await aquifer.maintenance.createMaintenanceTask(task.details, {}, { requestId: given });
  assert.equal(aquifer.fake.requestsOf('MaintenanceRepository/CreateTask').at(-1).requestId, given);
});

test('a refusal is not tried again, and advice is waited for', async () => {
  const aquifer = fakeAquifer(
    { 'WorkerRepository/GetWorker': () => ({ worker: { id: 1 } }) },
    { patienceMs: 10_000 },
  );
  const refusals = [
    { code: 'UNAVAILABLE', reason: 'DATABASE_REFUSED' },
    { code: 'INTERNAL', reason: 'INTERNAL' },
    { code: 'RESOURCE_EXHAUSTED', reason: 'DATABASE_FULL' },
    { code: 'UNIMPLEMENTED', fromServer: false },
  ];
  for (const refusal of refusals) {
    aquifer.fake.fail('WorkerRepository/GetWorker', refusal);
    await assert.rejects(aquifer.workers.getWorkerById(1), {
      ...(refusal.reason && { reason: refusal.reason }),
      attempts: 1,
    });
  }
  aquifer.fake.fail('WorkerRepository/GetWorker', {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'QUEUE_FULL',
    retryAfterMs: 150,
  });
  const begin = performance.now();
  assert.equal((await aquifer.workers.getWorkerById(1)).id, 1n);
  assert.ok(performance.now() - begin >= 145);
});

test('a call gives up at its deadline, and when it is aborted', async () => {
  const aquifer = fakeAquifer();
  aquifer.fake.setUp(false);
  await assert.rejects(aquifer.api.admin.getStatus({}, { deadlineMs: 200 }), (error) => {
    assert.equal(error.reason, 'UNREACHABLE');
    assert.ok(error.unavailable && error.attempts > 1);
    return true;
  });
  const abort = new AbortController();
  const call = aquifer.api.admin.getStatus({}, { deadlineMs: 60_000, signal: abort.signal });
  abort.abort();
  await assert.rejects(call, AquiferError);
  await assert.rejects(aquifer.api.admin.getStatus({}, { signal: abort.signal }), {
    code: 'CANCELLED',
  });
});

test('absent is told apart from away', async () => {
  const aquifer = fakeAquifer();
  aquifer.fake.fail('WorkerRepository/GetWorker', {
    code: 'NOT_FOUND',
    reason: 'WORKER_NOT_FOUND',
  });
  assert.equal(await aquifer.workers.getWorkerById(1), undefined);
  aquifer.fake.fail('WorkerRepository/GetWorker', {
    code: 'UNAVAILABLE',
    reason: 'DATABASE_REFUSED',
  });
  await assert.rejects(aquifer.workers.getWorkerById(1), { code: 'UNAVAILABLE' });
});

test('a listing goes through all pages', async () => {
  const aquifer = fakeAquifer({
    'WorkerRepository/ListWorkers': ({ pageToken }) =>
      pageToken === ''
        ? { workers: [{ id: 1 }, { id: 2 }], nextPageToken: 'more' }
        : { workers: [{ id: 3 }] },
  });
  assert.deepEqual(
    (await aquifer.workers.getAllWorkers()).map(({ id }) => id),
    [1n, 2n, 3n],
  );
});

test('an import sends lines in messages of a bounded size', async () => {
  const aquifer = fakeAquifer({
    'CollectionRepository/ImportCollections': (requests) => ({
      counts: { inserted: requests.flatMap(({ lines }) => lines).length },
    }),
  });
  function* lines() {
    for (let i = 0; i < 1234; ++i) yield { deviceId: '1', collectedAt: new Date(i), coinsMinor: 1 };
  }
  assert.equal((await aquifer.collections.importCollectionData(lines())).counts.inserted, 1234n);
  const [messages] = aquifer.fake.requestsOf('CollectionRepository/ImportCollections');
  assert.deepEqual(
    messages.map((message) => message.lines.length),
    [500, 500, 234],
  );
});

test('a loss is told once, and so is the return, of the server and of its database', async () => {
  const aquifer = fakeAquifer({ 'WorkerRepository/GetWorker': () => ({ worker: { id: 1 } }) });
  const told = [];
  aquifer.on('lost', ({ what }) => told.push(`lost ${what}`));
  aquifer.on(
    'restored',
    ({ what, downMs }) => told.push(`restored ${what}`) && assert.ok(downMs >= 0),
  );
  aquifer.on('lost', () => {
    throw new Error('a listener that fails');
  });

  aquifer.fake.fail(
    'WorkerRepository/GetWorker',
    { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' },
    2,
  );
  for (let i = 0; i < 2; ++i) await assert.rejects(aquifer.workers.getWorkerById(1));
  await aquifer.workers.getWorkerById(1);
  aquifer.fake.setUp(false);
  aquifer.fake.setUp(true);

  assert.deepEqual(told, ['lost database', 'restored database', 'lost server', 'restored server']);
});

test("a run whose work fails is finished as failed, and its error is the caller's", async () => {
  const aquifer = fakeAquifer({
    'JobRepository/BeginJobRun': () => ({ outcome: 'BEGIN_OUTCOME_ACQUIRED', run: { attempt: 3 } }),
    'JobRepository/FinishJobRun': ({ outcome }) => ({ run: { state: outcome } }),
  });
  const work = async ({ attempt }) => {
    throw new RangeError(`try ${attempt}`);
  };
  await assert.rejects(aquifer.jobs.runOnce('job', 'key', work), RangeError);
  const [finish] = aquifer.fake.requestsOf('JobRepository/FinishJobRun');
  assert.deepEqual([finish.outcome, finish.result], ['JOB_RUN_STATE_FAILED', 'RangeError: try 3']);
  aquifer.fake.handle('JobRepository/BeginJobRun', () => ({
    outcome: 'BEGIN_OUTCOME_HELD',
    run: { holder: 'other' },
  }));
  const held = await aquifer.jobs.runOnce('job', 'key', () => assert.fail('another holds it'));
  assert.deepEqual([held.outcome, held.run.holder], ['held', 'other']);
});
