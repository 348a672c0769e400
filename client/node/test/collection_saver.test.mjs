// Saves that are asked for together travel together, and each keeps what is its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fakeAquifer } from 'aquifer';

import { eventually } from './support/eventually.mjs';

const line = (i, more) => ({
  deviceId: String(i),
  collectedAt: new Date(i),
  coinsMinor: 1,
  ...more,
});

function fake(options) {
  const stored = [];
  const store = ({ deviceId }) => {
    if (deviceId === 'bad') {
      const field = `lines[${stored.length}].device_id`;
      return {
        outcome: 'RECORD_OUTCOME_REJECTED',
        rejection: { problems: [{ field, description: 'is bad' }] },
      };
    }
    stored.push(deviceId);
    return { outcome: 'RECORD_OUTCOME_INSERTED', id: stored.length, version: 1 };
  };
  const aquifer = fakeAquifer(
    {
      'CollectionRepository/RecordCollection': ({ line: one }) => ({
        ...store(one),
        version: undefined,
        id: undefined,
        collection: { id: stored.length, version: 1 },
      }),
      'CollectionRepository/RecordCollections': ({ lines }) => ({ results: lines.map(store) }),
    },
    options,
  );
  aquifer.stored = stored;
  aquifer.sizes = () =>
    aquifer.fake.calls.map(({ method, request }) =>
      method.endsWith('s') ? request.lines.length : 1,
    );
  return aquifer;
}

test('a save alone goes as a call of its own', async () => {
  const aquifer = fake();
  aquifer.fake.handle('CollectionRepository/RecordCollection', () => ({
    outcome: 'RECORD_OUTCOME_UPDATED',
    collection: { id: 5, version: 2 },
  }));
  assert.deepEqual(await aquifer.collections.saveCollectionData(line(1)), {
    outcome: 'RECORD_OUTCOME_UPDATED',
    id: 5n,
    version: 2n,
  });
  assert.deepEqual(aquifer.sizes(), [1]);
});

test('saves at the same time go in one call, each with its own answer', async () => {
  const aquifer = fake();
  const saved = await Promise.all(
    Array.from({ length: 50 }, (_, i) => aquifer.collections.saveCollectionData(line(i))),
  );
  assert.deepEqual(
    saved.map(({ id }) => id),
    Array.from({ length: 50 }, (_, i) => BigInt(i + 1)),
  );
  assert.deepEqual(aquifer.sizes(), [50]);
});

test('a bad line fails alone, whether it is refused here or there', async () => {
  const aquifer = fake();
  const results = await Promise.allSettled([
    aquifer.collections.saveCollectionData(line(1)),
    aquifer.collections.saveCollectionData(line(2, { coinsMinor: 1.5 })),
    aquifer.collections.saveCollectionData(line(3, { deviceId: 'bad' })),
    aquifer.collections.saveCollectionData(line(4)),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(results[1].reason.fields[0].field, 'coins_minor');
  assert.deepEqual(results[2].reason.fields, [{ field: 'line.device_id', description: 'is bad' }]);
  assert.deepEqual(
    [results[2].reason.reason, results[2].reason.method],
    ['INVALID_FIELDS', 'CollectionRepository/RecordCollection'],
  );
  assert.deepEqual(aquifer.stored, ['1', '4']);
});

test("a failure of the call is everybody's, and the next saves go on", async () => {
  const aquifer = fake();
  aquifer.fake.fail('CollectionRepository/RecordCollections', {
    code: 'UNAVAILABLE',
    reason: 'DATABASE_REFUSED',
  });
  const results = await Promise.allSettled(
    [1, 2].map((i) => aquifer.collections.saveCollectionData(line(i))),
  );
  assert.deepEqual(
    results.map(({ reason }) => reason?.reason),
    ['DATABASE_REFUSED', 'DATABASE_REFUSED'],
  );
  await Promise.all([1, 2].map((i) => aquifer.collections.saveCollectionData(line(i))));
  assert.deepEqual(aquifer.stored, ['1', '2']);
});

test('a burst is cut into calls of a bounded size, and none is lost or stored twice', async () => {
  const aquifer = fake();
  await Promise.all(
    Array.from({ length: 5000 }, (_, i) => aquifer.collections.saveCollectionData(line(i))),
  );
  assert.ok(aquifer.sizes().every((size) => size <= 500));
  assert.equal(aquifer.stored.length, 5000);
  assert.equal(new Set(aquifer.stored).size, 5000);
});

test('a save with options of its own goes alone', async () => {
  const aquifer = fake();
  const saves = [line(1), line(2)].map((each) =>
    aquifer.collections.saveCollectionData(each, { callId: 'mine' }),
  );
  saves.push(aquifer.collections.saveCollectionData(line(3)));
  await Promise.allSettled(saves);
  assert.deepEqual(aquifer.sizes(), [1, 1, 1]);
});

test('calls that hang hold no other save', async () => {
  const aquifer = fake();
  const hung = [];
  aquifer.fake.handle('CollectionRepository/RecordCollection', ({ line: { deviceId } }) => {
    const answer = { outcome: 'RECORD_OUTCOME_INSERTED', collection: { id: deviceId, version: 1 } };
    if (deviceId === '9') return answer;
    return new Promise((resolve) => hung.push(() => resolve(answer)));
  });
  const saves = [];
  for (let i = 1; i <= 4; ++i) {
    saves.push(aquifer.collections.saveCollectionData(line(i)));
    await eventually(() => hung.length === i);
  }
  assert.equal((await aquifer.collections.saveCollectionData(line(9))).id, 9n);
  for (const answer of hung) answer();
  assert.deepEqual(
    (await Promise.all(saves)).map(({ id }) => id),
    [1n, 2n, 3n, 4n],
  );
});
