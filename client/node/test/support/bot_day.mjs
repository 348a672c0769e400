// A day of the original bot, told in the package's words: every operation that its commands and
// schedulers need. Each of its steps is a function, so that a test can break the server between any
// two and in the middle of one.
import assert from 'node:assert/strict';

import { addDays, parseMoney } from 'aquifer';

const DAY = '2026-03-29';
const DEVICES = ['101', '102', '103', '104', '105', '106'];
const COLLECTORS = ['Олександр', 'Ð†Ð²Ð°Ð½'];

/** What the vendor reports of a device and a day: two visits of two lines, or nothing. */
function vendorLines(device, day) {
  if (device === '106') return [];
  const number = Number(device);
  return ['09:15:00', '17:40:10'].flatMap((time, visit) => {
    const coinsTime = time.replace(/\d$/, (second) => String(Number(second) + 4));
    const line = (at, notes, coins) => ({
      deviceId: device,
      wallTime: `${day} ${at}`,
      banknotesText: notes,
      coinsText: coins,
      collector: COLLECTORS[number % 2],
      cardId: `card-${number % 2}`,
      note: 'Інкасація',
      machine: `Автомат ${device}`,
    });
    return [line(time, `${number * 10 + visit}.50`, '0'), line(coinsTime, '0', `${number}.25`)];
  });
}

const totalOf = (lines) =>
  lines.reduce(
    (sum, line) => sum + parseMoney(line.banknotesText) + parseMoney(line.coinsText),
    0n,
  );

export class BotDay {
  /** @param aquifer a client @param disturb called in the middle of the day's work */
  constructor(aquifer, disturb = () => undefined) {
    this.aquifer = aquifer;
    this.disturb = disturb;
    this.expected = DEVICES.flatMap((device) => vendorLines(device, DAY));
  }

  async run() {
    await this.registerPeople();
    await this.registerMachines();
    await this.dailyFetch();
    await this.completenessCheck();
    await this.botCommands();
    await this.identifyCollectors();
    await this.dailySummary();
    await this.workers();
    await this.maintenance();
    await this.connectivityTest();
  }

  async registerPeople() {
    const { workers } = this.aquifer;
    // A chat id that no double holds.
    this.chatIds = [9007199254740993n, '9007199254740995', 42];
    for (const [i, chatId] of this.chatIds.entries()) {
      const worker = await workers.createWorker({
        chatId,
        name: `worker ${i}`,
        receivesSummaries: i < 2,
      });
      assert.equal(worker.chatId, BigInt(chatId));
      // A bot that heard no answer registers again.
      assert.equal((await workers.createWorker({ chatId, name: 'another name' })).id, worker.id);
    }
    assert.equal(await workers.getWorkerByChatId(7), undefined);
    assert.deepEqual(
      (await workers.getActiveWorkers()).map(({ name }) => name),
      ['worker 0', 'worker 1', 'worker 2'],
    );
  }

  async registerMachines() {
    const machines = DEVICES.map((deviceId) => ({
      deviceId,
      details: { name: `machine ${deviceId}`, waterLevelPercent: 80 },
    }));
    const { counts } = await this.aquifer.maintenance.saveMachines(machines);
    assert.equal(counts.inserted + counts.unchanged, 6n);
  }

  /** Yesterday's lines of every device, many at once; the disturbance comes in the middle. */
  async dailyFetch() {
    const { aquifer } = this;
    const { outcome } = await aquifer.jobs.runOnce('daily-fetch', DAY, async () => {
      this.disturbed = this.disturb();
      await Promise.all(DEVICES.map((device) => this.fetchDevice(device)));
      await this.disturbed;
      return '16 lines';
    });
    assert.equal(outcome, 'done');
    // Whoever comes second finds it done.
    const again = await aquifer.jobs.runOnce('daily-fetch', DAY, () => assert.fail('it was done'));
    assert.deepEqual([again.outcome, again.run.result], ['alreadyDone', '16 lines']);
    assert.equal((await aquifer.collections.getCollectionStatistics(DAY, DAY)).lines, 16n);
  }

  async fetchDevice(device) {
    const lines = vendorLines(device, DAY);
    if (device === '105') {
      await this.aquifer.collections.saveFetchOutcome(device, DAY, {
        error: 'the vendor timed out',
      });
      return;
    }
    for (const line of lines) await this.aquifer.collections.saveCollectionData(line);
    // A re-run by hand stores nothing twice.
    if (lines.length > 0) {
      const { counts } = await this.aquifer.collections.bulkInsertCollectionData(lines);
      assert.equal(counts.unchanged, 4n);
    }
    await this.aquifer.collections.saveFetchOutcome(device, DAY, { lines: lines.length });
  }

  async completenessCheck() {
    const { collections } = this.aquifer;
    const missing = await collections.findMissing(addDays(DAY, -1), DAY);
    const states = new Map(
      missing.filter(({ day }) => day === DAY).map(({ deviceId, state }) => [deviceId, state]),
    );
    assert.deepEqual(
      [...states],
      [
        ['105', 'FETCH_STATE_FAILED'],
        ['106', 'FETCH_STATE_EMPTY'],
      ],
    );
    assert.deepEqual(await collections.getDevicesWithMissingData(DAY, DEVICES), ['105']);
    await collections.importCollectionData(vendorLines('105', DAY));
    await collections.saveFetchOutcome('105', DAY, { lines: 4 });
    assert.deepEqual(await collections.getDevicesWithMissingData(DAY, DEVICES), []);
    const availability = await collections.getDataAvailability(addDays(DAY, -59), DAY);
    assert.equal(availability.length, 60);
    const { fetchedOk, fetchedEmpty, fetchFailed } = availability.at(-1);
    assert.deepEqual([fetchedOk, fetchedEmpty, fetchFailed], [5n, 1n, 0n]);
  }

  async botCommands() {
    const { collections } = this.aquifer;
    const total = totalOf(this.expected);
    assert.equal((await collections.getCollectionStatistics(DAY, DAY)).totalMinor, total);
    for (const by of ['GROUPING_DAY', 'GROUPING_WEEK', 'GROUPING_MONTH', 'GROUPING_COLLECTOR']) {
      const groups = await collections.getCollectionSummary('2026-03-01', DAY, by);
      assert.equal(
        groups.reduce((sum, group) => sum + group.totalMinor, 0n),
        total,
        by,
      );
    }
    const byDevice = await collections.getCollectionSummaryByDate(DAY);
    assert.deepEqual(
      byDevice.map(({ deviceId, lines, visits }) => [deviceId, lines, visits]),
      ['101', '102', '103', '104', '105'].map((device) => [device, 4n, 2n]),
    );
    assert.deepEqual(
      (await collections.getTopDevices(DAY, DAY, 2)).map(({ deviceId }) => deviceId),
      ['105', '104'],
    );
    const history = await collections.getCollectionDataByDevice('103', '2026-01-01', DAY);
    assert.equal(history.length, 4);
    assert.equal(
      history.reduce((sum, line) => sum + line.totalMinor, 0n),
      totalOf(vendorLines('103', DAY)),
    );
    assert.equal((await collections.getCollectionDataByDateRange(DAY, DAY)).length, 20);
    assert.equal(
      (await collections.getCollectionDataByCollector(COLLECTORS[1], DAY, DAY)).length,
      12,
    );
    assert.equal((await collections.getRecentCollectionActivity(5)).length, 5);
    assert.equal(await collections.checkDataExists(101, DAY), true);
    assert.equal(await collections.checkDataExists('106', DAY), false);
    const { devices } = await this.aquifer.api.collections.listCollectionDevices();
    assert.deepEqual(
      devices.map(({ deviceId, lines }) => [deviceId, lines]),
      DEVICES.map((device) => [device, device === '106' ? 0n : 4n]),
    );
  }

  async identifyCollectors() {
    const { api, workers } = this.aquifer;
    const texts = await api.collections.listCollectorTexts({ unmappedOnly: true });
    assert.deepEqual(
      new Set(texts.texts.map(({ collector }) => collector.text)),
      new Set(COLLECTORS),
    );
    const worker = await workers.getWorkerByChatId(this.chatIds[0]);
    await api.collections.setCollectorAlias({ text: COLLECTORS[0], workerId: worker.id });
    const statistics = await workers.getWorkerStatistics(worker.id, DAY, DAY);
    assert.equal(statistics.collectionLines, 8n);
    const idle = await workers.getInactiveCollectors(7, { now: new Date('2026-03-30T12:00:00Z') });
    assert.deepEqual(
      idle.map((each) => each.worker.name),
      ['worker 1', 'worker 2'],
    );
  }

  /** Sent to every recipient once, also when the bot dies on the way. */
  async dailySummary() {
    const { jobs } = this.aquifer;
    const got = new Map();
    const send = async ({ chatId }) => {
      if (got.size === 1 && !got.has(chatId)) throw new Error('Telegram is away');
      got.set(chatId, (got.get(chatId) ?? 0) + 1);
    };
    await assert.rejects(
      jobs.runOnce('daily-summary', DAY, async (lease) => {
        const { failed } = await jobs.broadcast(lease, send);
        if (failed > 0) throw new Error(`${failed} chats to go`);
      }),
      /1 chats to go/,
    );
    got.set('the first try', 1);
    await jobs.runOnce('daily-summary', DAY, async (lease) => {
      assert.equal(lease.attempt, 2);
      assert.deepEqual(await jobs.broadcast(lease, send), { sent: 1, failed: 0, skipped: 0 });
    });
    got.delete('the first try');
    assert.deepEqual(
      got,
      new Map([
        [9007199254740993n, 1],
        [9007199254740995n, 1],
      ]),
    );
  }

  async workers() {
    const { workers } = this.aquifer;
    const [first, second] = await workers.getAllWorkers();
    const renamed = await workers.updateWorker(first, { phone: '+380 67 123 45 67' });
    assert.equal(renamed.phone, '+380 67 123 45 67');
    await assert.rejects(workers.updateWorker(first, { phone: null }), { reason: 'STALE_VERSION' });
    assert.equal((await workers.searchWorkers('671234567'))[0].id, first.id);
    assert.equal((await workers.getWorkerByName('worker 1')).id, second.id);
    await workers.bulkUpdateWorkerStatus([first.id, second.id], false);
    assert.equal((await workers.getActiveWorkers()).length, 1);
    await workers.setWorkerActive(second.id, true);
    await workers.updateDialogueStatus(first.id, '', 'asked for the date');
    await assert.rejects(workers.updateDialogueStatus(first.id, '', 'other'), {
      reason: 'DIALOGUE_STATE_CHANGED',
    });
    assert.equal((await workers.getSummaryRecipients()).length, 2);

    await workers.startShift(second.id, { latitude: 50.45, longitude: 30.52 });
    await workers.addWorkPoint(second.id, { deviceId: '101' });
    const shift = await workers.endShift(second.id, { address: 'base' });
    assert.equal(shift.points, 3n);
    await workers.setAssignedDevices(second.id, ['101', '102']);
    assert.deepEqual(await workers.getAssignedDevices(second.id), ['101', '102']);
  }

  async maintenance() {
    const { maintenance } = this.aquifer;
    const technician = await maintenance.createTechnician({ name: 'technician' });
    let task = await maintenance.createMaintenanceTask({
      title: 'replace the filter',
      type: 'TASK_TYPE_FILTER_REPLACEMENT',
      priority: 'TASK_PRIORITY_CRITICAL',
      deviceId: '101',
    });
    const other = await maintenance.createMaintenanceTask({
      title: 'clean',
      type: 'TASK_TYPE_SYSTEM_CLEANING',
      scheduledAt: new Date('2026-03-01T08:00:00Z'),
    });
    assert.deepEqual(
      (await maintenance.getMaintenanceAlerts()).map((alert) => alert.task.id),
      [task.id, other.id],
    );
    assert.deepEqual(
      (await maintenance.getOverdueMaintenanceTasks()).map(({ id }) => id),
      [other.id],
    );
    task = await maintenance.assignTechnician(task, technician.id);
    assert.equal((await maintenance.getMaintenanceTasksByTechnician(technician.id)).length, 1);
    ({ task } = await maintenance.updateTaskStatus(
      task.id,
      'TASK_STATUS_PENDING',
      'TASK_STATUS_IN_PROGRESS',
    ));
    const done = await maintenance.completeMaintenanceTask(task);
    assert.equal(done.machineUpdated, true);
    await assert.rejects(
      maintenance.updateTaskStatus(task.id, 'TASK_STATUS_COMPLETED', 'TASK_STATUS_PENDING'),
      { reason: 'ILLEGAL_TRANSITION' },
    );
    assert.ok((await maintenance.getMachineById('101')).details.lastMaintenanceAt);
    await maintenance.deleteMaintenanceTask(other);
    const counts = await maintenance.getMaintenanceStatistics();
    assert.equal(counts.tasks, 1n);
    await maintenance.saveWaterQualityTest({
      deviceId: '102',
      phHundredths: 725,
      overallRating: 'WATER_QUALITY_GOOD',
    });
    assert.equal((await maintenance.getMachineById(102)).waterQuality, 'WATER_QUALITY_GOOD');
    assert.equal((await maintenance.getWaterQualityTests('102')).length, 1);
    assert.equal((await maintenance.getAllMachines()).length, 6);
  }

  async connectivityTest() {
    const status = await this.aquifer.testConnection();
    assert.equal(status.database.role, 'primary');
  }
}
