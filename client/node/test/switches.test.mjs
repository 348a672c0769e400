import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FeatureSwitches, Instant, fakeAquifer, formatMoney } from 'aquifer';

// The bot's old repository: rows as its database gave them.
class LegacyCollections {
  rows = [
    { id: 1, device_id: 101, total_sum: '1520.50', date: new Date('2026-03-28T12:05:09Z') },
    { id: 2, device_id: 102, total_sum: '14.00', date: new Date('2026-03-28T12:06:09Z') },
  ];
  async getCollectionDataByDateRange() {
    return this.rows;
  }
  async checkDataExists() {
    throw new Error('connection closed');
  }
  synchronous() {
    return this.rows.length;
  }
}

function sides(lines) {
  const aquifer = fakeAquifer({
    'CollectionRepository/ListCollections': () => ({ collections: lines }),
    'CollectionRepository/CheckCollectionExists': () => ({ exists: true }),
  });
  const { collections } = aquifer;
  return {
    fake: aquifer.fake,
    legacy: new LegacyCollections(),
    aquifer: {
      async getCollectionDataByDateRange(first, last) {
        const all = await collections.getCollectionDataByDateRange(first, last);
        return all.map((line) => ({
          id: line.id,
          device_id: line.deviceId,
          total_sum: formatMoney(line.totalMinor),
          date: line.collectedAt,
        }));
      },
      checkDataExists: (device, day) => collections.checkDataExists(device, day),
      synchronous: () => Promise.reject(new Error('away')),
    },
    normalize: {
      getCollectionDataByDateRange: (rows) => rows.map(({ id, ...rest }) => rest),
    },
  };
}

const same = [
  { id: 70, deviceId: '101', totalMinor: 152050n, collectedAt: '2026-03-28T12:05:09Z' },
  { id: 71, deviceId: '102', totalMinor: 1400n, collectedAt: new Instant(1774699569, 0) },
];
const planted = [same[0], { ...same[1], totalMinor: 1401n }];

function switched(lines, mode) {
  const found = [];
  const both = sides(lines);
  const switches = new FeatureSwitches({
    modes: { collections: mode },
    onDifference: (each) => found.push(each),
  });
  return { found, switches, both, repository: switches.repository('collections', both) };
}

test('shadow finds a planted difference and the caller sees nothing of it', async () => {
  const { found, switches, repository, both } = switched(planted, 'shadow');
  assert.equal(
    await repository.getCollectionDataByDateRange('2026-03-28', '2026-03-28'),
    both.legacy.rows,
  );
  await switches.settled();
  assert.equal(found.length, 1);
  assert.deepEqual(found[0].differences, [
    { path: '[1].total_sum', legacy: '14.00', aquifer: '14.01' },
  ]);
  assert.deepEqual(
    [found[0].repository, found[0].method],
    ['collections', 'getCollectionDataByDateRange'],
  );
  assert.deepEqual(switches.counts('collections'), { equal: 0, different: 1, skipped: 0 });
});

test('shadow takes what means the same for the same', async () => {
  const { found, switches, repository } = switched(same, 'shadow');
  await repository.getCollectionDataByDateRange('2026-03-28', '2026-03-28');
  await switches.settled();
  assert.deepEqual(found, []);
  assert.equal(switches.counts('collections').equal, 1);
});

test('shadow gives the failures of the old code on, and hides those of the new', async () => {
  const { found, switches, repository, both } = switched(same, 'shadow');
  await assert.rejects(repository.checkDataExists('101', '2026-03-28'), /connection closed/);
  assert.equal(repository.synchronous(), 2);
  both.fake.setUp(false);
  assert.equal(
    (await repository.getCollectionDataByDateRange('2026-03-28', '2026-03-28')).length,
    2,
  );
  await switches.settled();
  assert.equal(found.length, 3);
  assert.equal(found.at(-1).differences[0].path, '');
});

test('a reporter that throws fails no caller', async () => {
  const both = sides(planted);
  const switches = new FeatureSwitches({
    modes: { collections: 'shadow' },
    onDifference: () => {
      throw new Error('the reporter is broken');
    },
  });
  await switches
    .repository('collections', both)
    .getCollectionDataByDateRange('2026-03-28', '2026-03-28');
  await switches.settled();
  assert.equal(switches.counts('collections').different, 1);
});

test('legacy and aquifer ask one side alone, and a switch takes effect at once', async () => {
  const { switches, repository, both } = switched(same, 'legacy');
  await repository.getCollectionDataByDateRange('2026-03-28', '2026-03-28');
  assert.equal(both.fake.calls.length, 0);
  switches.set('collections', 'aquifer');
  assert.equal(await repository.checkDataExists('101', '2026-03-28'), true);
  process.env.AQUIFER_SWITCH_COLLECTIONS = 'legacy';
  await assert.rejects(repository.checkDataExists('101', '2026-03-28'), /connection closed/);
  delete process.env.AQUIFER_SWITCH_COLLECTIONS;
  assert.throws(() => switches.set('collections', 'maybe'), RangeError);
  assert.equal(new FeatureSwitches().mode('workers'), 'legacy');
});
