// The Node package, called by one Node process as a bot calls it: the same calls as sequelize_load.js,
// answers checked. Arguments: PACKAGE_FOLDER TARGET WORKLOAD CALLERS WARM_SECONDS SECONDS LINES
import * as history from './history.js';
import { callInTurn } from './tally.js';

const [folder, target, workload, callers, warmSeconds, seconds, lines] = process.argv.slice(2);
const { Instant, connect } = await import(`${folder}/dist/index.mjs`);
const aquifer = connect(target);
const count = Number(lines);
const firstSaved = history.secondOf(count) + 1;
const at = (second) => new Instant(second, 0);

const calls = {
  async reads() {
    const n = history.random(1, count);
    const key = { deviceId: history.deviceOf(n), collectedAt: at(history.secondOf(n)) };
    const { collection } = await aquifer.api.collections.getCollection({ key });
    return collection.banknotesMinor === BigInt(history.banknotesOf(n) * 100) ? '' : 'another line came';
  },

  async saves() {
    const { id } = await aquifer.collections.saveCollectionData({
      deviceId: String(history.random(0, history.DEVICES - 1)),
      collectedAt: at(firstSaved + history.random(0, history.DAY_SECONDS - 1)),
      banknotesMinor: history.random(1, 499999),
      coinsMinor: history.random(0, 29999),
      collector: 'collector 7', cardId: '0004711', note: 'notes and coins, taken by hand',
      machine: 'Central market, entrance 3',
    });
    return id > 0n ? '' : 'nothing was stored';
  },

  async mixed() {
    return Math.random() < 0.8 ? calls.reads() : calls.saves();
  },

  async ranges() {
    const n = history.random(1, Math.max(count - history.RANGE_LINES + 1, 1));
    const end = Math.min(n + history.RANGE_LINES - 1, count);
    const { collections } = await aquifer.api.collections.listCollections({
      filter: { instants: { start: at(history.secondOf(n)), end: at(history.secondOf(end) + 1) } },
      pageSize: history.RANGE_LINES,
    });
    return collections.length === end - n + 1 ? '' : `${collections.length} lines came`;
  },

  async summary() {
    const days = Math.floor((count * history.STEP_SECONDS) / history.DAY_SECONDS);
    const day = history.random(0, Math.max(days - 2, 0));
    const first = history.FIRST_SECOND + day * history.DAY_SECONDS;
    const { groups } = await aquifer.api.collections.summarizeCollections({
      filter: { instants: { start: at(first), end: at(first + history.DAY_SECONDS) } },
      groupBy: ['GROUPING_COLLECTOR'],
    });
    return groups.length > 0 ? '' : 'no line was summed';
  },
};

await aquifer.ready();
await callInTurn(Number(callers), Number(warmSeconds), Number(seconds), calls[workload]);
await aquifer.close();
