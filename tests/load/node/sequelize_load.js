// Sequelize over pg in one Node process, straight to the database, used as a bot uses it: by its
// model. So it does less than the service: it joins no worker, registers no device, and its upsert
// overwrites. Arguments: HOST PORT USER DATABASE WORKLOAD CALLERS
// WARM_SECONDS SECONDS LINES POOL
import pg from 'pg';
import { Op, Sequelize, col, fn } from 'sequelize';

import { defineCollection } from './collection_model.js';
import * as history from './history.js';
import { callInTurn } from './tally.js';

const [host, port, user, database, workload, callers, warmSeconds, seconds, lines, pool] =
  process.argv.slice(2);
// Counts as numbers, as the bot has them.
pg.defaults.parseInt8 = true;
const sequelize = new Sequelize({
  dialect: 'postgres', host, port: Number(port), username: user, database, logging: false,
  pool: { max: Number(pool), min: Math.min(Number(pool), Number(callers)), acquire: 60000 },
});
const Collection = defineCollection(sequelize);
const count = Number(lines);
const firstSaved = history.secondOf(count) + 1;

const calls = {
  async reads() {
    const n = history.random(1, count);
    const line = await Collection.findOne({
      where: { device_id: history.deviceOf(n), collected_at: new Date(history.secondOf(n) * 1000) },
    });
    return Number(line?.banknotes) === history.banknotesOf(n) ? '' : 'another line came';
  },

  async saves() {
    const values = {
      device_id: String(history.random(0, history.DEVICES - 1)),
      collected_at: new Date((firstSaved + history.random(0, history.DAY_SECONDS - 1)) * 1000),
      banknotes: history.random(1, 499999) / 100,
      coins: history.random(0, 29999) / 100,
      collector: 'collector 7', card_id: '0004711', note: 'notes and coins, taken by hand',
      machine: 'Central market, entrance 3',
    };
    const key = ['device_id', 'collected_at'];
    const [line] = await Collection.upsert(values, { conflictFields: key });
    return line.device_id === values.device_id && line.id > 0 ? '' : 'another line came';
  },

  async mixed() {
    return Math.random() < 0.8 ? calls.reads() : calls.saves();
  },

  async ranges() {
    const n = history.random(1, Math.max(count - history.RANGE_LINES + 1, 1));
    const end = Math.min(n + history.RANGE_LINES - 1, count);
    const found = await Collection.findAll({
      where: {
        collected_at: {
          [Op.gte]: new Date(history.secondOf(n) * 1000),
          [Op.lt]: new Date((history.secondOf(end) + 1) * 1000),
        },
      },
      order: [['collected_at', 'DESC'], ['id', 'DESC']],
      limit: history.RANGE_LINES,
    });
    return found.length === end - n + 1 ? '' : `${found.length} lines came`;
  },

  async summary() {
    const days = Math.floor((count * history.STEP_SECONDS) / history.DAY_SECONDS);
    const day = history.random(0, Math.max(days - 2, 0));
    const first = history.FIRST_SECOND + day * history.DAY_SECONDS;
    const groups = await Collection.findAll({
      attributes: ['collector', [fn('count', col('id')), 'lines'],
        [fn('sum', col('banknotes')), 'banknotes'], [fn('sum', col('coins')), 'coins']],
      where: {
        collected_at: {
          [Op.gte]: new Date(first * 1000),
          [Op.lt]: new Date((first + history.DAY_SECONDS) * 1000),
        },
      },
      group: ['collector'],
    });
    return groups.length > 0 ? '' : 'no line was summed';
  },
};

await sequelize.authenticate();
await callInTurn(Number(callers), Number(warmSeconds), Number(seconds), calls[workload]);
await sequelize.close();
