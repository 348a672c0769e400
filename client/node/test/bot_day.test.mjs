import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connect } from 'aquifer';

import { BotDay } from './support/bot_day.mjs';
import { Server } from './support/server.mjs';

const servers = [];
before(async () => {
  servers.push(...(await Promise.all([Server.start(), Server.start()])));
});
after(() => Promise.all(servers.map((server) => server.stop())));

test('the original bot does its day', async () => {
  const aquifer = connect(servers[0].address);
  await new BotDay(aquifer).run();
  await aquifer.close();
});

test('the original bot does its day while the server is killed and started again', async () => {
  const [, server] = servers;
  const aquifer = connect(server.address);
  const events = [];
  aquifer.on('lost', ({ what }) => events.push(`lost ${what}`));
  aquifer.on('restored', ({ what }) => events.push(`restored ${what}`));
  await new BotDay(aquifer, async () => {
    await server.kill();
    await server.startAgain();
  }).run();
  assert.deepEqual(events.slice(0, 2), ['lost server', 'restored server']);
  await aquifer.close();
});
