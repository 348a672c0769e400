// The service as one would write it quickly in Node: grpc-js in front of a pg pool, with the same
// protocol and the same statements as sql/. It has no metrics, no log, no deadlines and no retries,
// and checks nothing. Arguments: HOST PORT USER DATABASE SQL PROTO POOL
import { readFileSync } from 'node:fs';
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import pg from 'pg';

const [host, port, user, database, sql, proto, max] = process.argv.slice(2);
const pool = new pg.Pool({ host, port: Number(port), user, database, max: Number(max) });

// A prepared statement of sql/, whose named parameters become $1, $2...
function statement(name) {
  const names = [];
  const text = readFileSync(path.join(sql, `${name}.sql`), 'utf8').replace(
    /(?<!:):([a-z]+)/g,
    (_, parameter) => {
      if (!names.includes(parameter)) names.push(parameter);
      return `$${names.indexOf(parameter) + 1}`;
    },
  );
  return async (values) => (await pool.query({
    name, text, values: names.map((parameter) => values[parameter]), rowMode: 'array',
  })).rows;
}

const instant = (micros) => ({
  seconds: Math.floor(Number(micros) / 1e6), nanos: (Number(micros) % 1e6) * 1000,
});

function lineOf(row) {
  const [year, month, day] = row[3].split('-').map(Number);
  return {
    id: row[0], device_id: row[1], collected_at: instant(row[2]), day: { year, month, day },
    banknotes_minor: row[4], coins_minor: row[5], total_minor: row[6],
    collector: { text: row[7], worker_id: row[8], worker_name: row[9] },
    card_id: row[10], note: row[11], machine: row[12], version: row[13],
    created_at: instant(row[14]), updated_at: instant(row[15]),
    corrected_at: row[16] === null ? null : instant(row[16]),
  };
}

// An answer, or the error as a status.
const method = (answer) => (call, callback) => {
  answer(call.request).then(
    (response) => callback(null, response),
    (error) => callback({ code: grpc.status.INTERNAL, details: error.message }),
  );
};

const read = statement('reads');
const save = statement('saves');
const range = statement('ranges');

const service = {
  GetCollection: method(async ({ key }) => {
    const [row] = await read({ device: key.device_id, second: key.collected_at.seconds });
    return { collection: lineOf(row) };
  }),
  RecordCollection: method(async ({ line }) => {
    const [row] = await save({
      device: line.device_id, second: line.collected_at.seconds,
      banknotes: line.banknotes_minor, coins: line.coins_minor,
    });
    return { outcome: row[17], collection: lineOf(row) };
  }),
  ListCollections: method(async ({ filter }) => {
    const rows = await range({
      first: filter.instants.start.seconds, last: Number(filter.instants.end.seconds) - 1,
    });
    return { collections: rows.map(lineOf) };
  }),
};

const definition = loader.loadSync('aquifer/v1/collection.proto', {
  includeDirs: [proto], keepCase: true, longs: String, defaults: true,
});
const server = new grpc.Server();
server.addService(definition['aquifer.v1.CollectionRepository'], service);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
  if (error) throw error;
  console.log(`serving on 127.0.0.1:${bound}`);
});
