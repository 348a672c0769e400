import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connect } from 'aquifer';

import { BotDay } from './support/bot_day.mjs';
import { Server } from './support/server.mjs';

async function withServer(options, body) {
  const server = await Server.start();
  // A busy machine may take long, and nothing here is about how long.
  const aquifer = connect(server.address, { patienceMs: 120_000, ...options });
  try {
    await body(aquifer, server);
  } finally {
    await aquifer.close();
    await server.stop();
  }
}

test('the original bot does its day', () => withServer({}, (aquifer) => new BotDay(aquifer).run()));

for (const transport of ['http2', 'grpc-js']) {
  test(`the original bot does its day while the server is killed and started again (${transport})`, () =>
    withServer({ transport }, async (aquifer, server) => {
      const events = [];
      aquifer.on('lost', ({ what }) => events.push(`lost ${what}`));
      aquifer.on('restored', ({ what }) => events.push(`restored ${what}`));
      await new BotDay(aquifer, async () => {
        await server.kill();
        await server.startAgain();
      }).run();
      assert.deepEqual(events.slice(0, 2), ['lost server', 'restored server']);
    }));
}
