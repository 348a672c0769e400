// What only a real server shows: statuses with details, streams, deadlines, repeats, outages.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer, createServer } from 'node:http2';
import { connect as connectSocket, createServer as createProxy } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { AquiferError, connect } from 'aquifer';

import { eventually } from './support/eventually.mjs';
import { sharedServer } from './support/shared_server.mjs';

const server = await sharedServer();
/** Ends a stand-in with its connections, so that a test that failed leaves nothing open. */
function closerOf(standIn) {
  const sockets = new Set();
  for (const event of ['connection', 'secureConnection'])
    standIn.on(event, (socket) => sockets.add(socket));
  return () => {
    standIn.close();
    for (const socket of sockets) socket.destroy();
  };
}

const clients = [];
const client = (address, options) => {
  // A busy machine may take long.
  clients.push(connect(address, { patienceMs: 120_000, ...options }));
  return clients.at(-1);
};

after(() => Promise.all(clients.map((each) => each.close({ drainMs: 0 }))));

for (const transport of ['http2', 'grpc-js']) {
  test(`an error names its reason, its fields and its call (${transport})`, async () => {
    const aquifer = client(server.address, { transport });
    await assert.rejects(
      aquifer.collections.saveCollectionData(
        { wallTime: '2026-03-29 03:30:00', banknotesMinor: -1 },
        { callId: 'call-7' },
      ),
      (error) => {
        assert.ok(error instanceof AquiferError && error.fromServer);
        assert.deepEqual(
          [error.code, error.reason, error.callId, error.attempts],
          ['INVALID_ARGUMENT', 'INVALID_FIELDS', 'call-7', 1],
        );
        assert.deepEqual(error.fields.map(({ field }) => field).sort(), [
          'line.banknotes_minor',
          'line.device_id',
        ]);
        assert.match(
          String(error),
          /^CollectionRepository\/RecordCollection: INVALID_ARGUMENT \(INVALID_FIELDS\): line.device_id is required/,
        );
        return true;
      },
    );
    // A message comes as it was written, whatever it quotes.
    await assert.rejects(aquifer.api.maintenance.getMachine({ deviceId: 'ключ% 1' }), {
      message: 'machine ключ% 1 not found',
      reason: 'MACHINE_NOT_FOUND',
    });
  });

  test(`a write tells its token, and a read says how new it must be (${transport})`, async () => {
    const aquifer = client(server.address, { transport });
    const tokens = [];
    const { collection } = await aquifer.api.collections.recordCollection(
      {
        line: {
          deviceId: `token-${transport}`,
          collectedAt: new Date(Date.UTC(2025, 0, 1)),
          banknotesMinor: 100,
        },
      },
      { onToken: (token) => tokens.push(token) },
    );
    assert.match(tokens.join(), /^[0-9A-F]+\/[0-9A-F]+$/);
    for (const consistency of ['strong', `at-least=${tokens[0]}`, 'stale=1', 'any']) {
      const read = await aquifer.api.collections.getCollection(
        { id: collection.id },
        { consistency },
      );
      assert.equal(read.collection.deviceId, `token-${transport}`);
    }
    await assert.rejects(
      aquifer.api.collections.getCollection({ id: collection.id }, { consistency: 'soon' }),
      { reason: 'INVALID_FIELDS' },
    );
  });

  test(`what was imported is streamed back, and a reader may leave early (${transport})`, async () => {
    const aquifer = client(server.address, { transport });
    function* lines() {
      for (let i = 0; i < 5000; ++i)
        yield {
          deviceId: transport,
          collectedAt: new Date(Date.UTC(2025, 0, 1) + i * 1000),
          coinsMinor: i + 1,
        };
    }
    const { counts } = await aquifer.collections.importCollectionData(lines());
    assert.equal(counts.inserted, 5000n);
    let total = 0n;
    const filter = { deviceIds: [transport] };
    for await (const { collections } of aquifer.api.collections.streamCollections({ filter })) {
      for (const line of collections) total += line.totalMinor;
    }
    assert.equal(total, (5000n * 5001n) / 2n);
    for await (const { collections } of aquifer.api.collections.streamCollections({ filter })) {
      assert.ok(collections.length > 0);
      break;
    }
    const broken = (function* () {
      yield { deviceId: 'x', collectedAt: new Date(), coinsMinor: 1 };
      throw new Error('the file ended badly');
    })();
    await assert.rejects(aquifer.collections.importCollectionData(broken), /the file ended badly/);
    await assert.rejects(aquifer.api.collections.importCollections([{ lines: [] }]), {
      reason: 'INVALID_FIELDS',
    });
  });

  test(`a call whose server never answers ends at its deadline, or when it is aborted (${transport})`, async () => {
    // Takes connections and says nothing.
    let calls = 0;
    const silent = createServer()
      .on('stream', () => ++calls)
      .listen(0, '127.0.0.1');
    const close = closerOf(silent);
    await once(silent, 'listening');
    const aquifer = client(`127.0.0.1:${silent.address().port}`, { transport });
    try {
      await assert.rejects(aquifer.api.admin.getStatus({}, { deadlineMs: 150 }), {
        code: 'DEADLINE_EXCEEDED',
      });
      const before = calls;
      const abort = new AbortController();
      const call = aquifer.api.admin.getStatus({}, { deadlineMs: 60_000, signal: abort.signal });
      await eventually(() => calls > before);
      abort.abort();
      await assert.rejects(call, { code: 'CANCELLED' });
    } finally {
      await aquifer.close();
      close();
    }
  });

  test(`TLS is verified and the token is sent, over it alone (${transport})`, async () => {
    const certificate = join(server.sandbox, 'certificate.pem');
    const key = join(server.sandbox, 'key.pem');
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        key,
        '-out',
        certificate,
      ],
      { stdio: 'ignore' },
    );
    const secure = createSecureServer({
      key: readFileSync(key),
      cert: readFileSync(certificate),
    }).listen(0, '127.0.0.1');
    const close = closerOf(secure);
    await once(secure, 'listening');
    const tokens = [];
    secure.on('stream', (stream, headers) => {
      tokens.push(headers.authorization);
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    });
    const address = `https://localhost:${secure.address().port}`;
    let asked = 0;
    const trusting = client(address, {
      transport,
      tls: { ca: readFileSync(certificate) },
      token: async () => `token-${++asked}`,
    });
    const wary = client(address, { transport });
    try {
      await trusting.testConnection();
      await trusting.testConnection();
      // Asked anew for every try.
      assert.ok(tokens.length >= 2);
      assert.equal(new Set(tokens).size, tokens.length);
      assert.ok(
        tokens.every((token) => /^Bearer token-\d$/.test(token)),
        String(tokens),
      );
      await assert.rejects(wary.api.admin.getStatus({}, { deadlineMs: 300 }), {
        unavailable: true,
      });
      assert.throws(() => connect('aquifer.example:50051', { token: 't' }), {
        reason: 'PLAINTEXT_TOKEN',
      });
    } finally {
      await Promise.all([trusting.close(), wary.close()]);
      close();
    }
  });

  test(`a connection that went silent is noticed and replaced (${transport})`, async () => {
    const standIn = createServer();
    standIn.on('stream', (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    });
    const close = closerOf(standIn);
    await once(standIn.listen(0, '127.0.0.1'), 'listening');
    const links = [];
    const proxy = createProxy((near) => {
      const far = connectSocket(standIn.address().port, '127.0.0.1');
      near.pipe(far).pipe(near);
      for (const end of [near, far]) end.on('error', () => undefined);
      links.push({ near, far });
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const aquifer = client(`127.0.0.1:${proxy.address().port}`, { transport, keepaliveMs: 500 });
    const told = [];
    aquifer.on('lost', () => told.push('lost'));
    aquifer.on('restored', () => told.push('restored'));
    try {
      await aquifer.testConnection();
      // As a network does that drops packets: nothing is closed, and nothing comes.
      for (const { near, far } of links.splice(0)) {
        near.unpipe(far);
        far.unpipe(near);
      }
      await eventually(() => told.includes('lost'));
      await aquifer.testConnection();
      await eventually(() => told.includes('restored'));
      assert.ok(links.length >= 1);
    } finally {
      await aquifer.close();
      close();
      proxy.close();
      for (const { near } of links) near.destroy();
    }
  });

  test(`the server's Unix socket is an address (${transport})`, async () => {
    const aquifer = client(server.socketAddress, { transport });
    await aquifer.testConnection();
    const line = { deviceId: `socket ${transport}`, wallTime: '2026-03-28 14:05:09' };
    await aquifer.collections.saveCollectionData({ ...line, banknotesMinor: 152000 });
    // Over TCP, what came over the socket is there.
    const again = await client(server.address, { transport }).collections.saveCollectionData({
      ...line,
      banknotesMinor: 152000,
    });
    assert.equal(again.outcome, 'RECORD_OUTCOME_UNCHANGED');
  });

  test(`calls go to the servers that are there, over TCP or a Unix socket (${transport})`, async () => {
    const path = join(server.sandbox, `${transport}.sock`);
    let connections = 0;
    const proxy = createProxy((near) => {
      ++connections;
      const far = connectSocket(server.port, '127.0.0.1');
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    }).listen(path);
    await once(proxy, 'listening');
    const aquifer = client([`unix:${path}`, server.address, '127.0.0.1:1'], { transport });
    try {
      await Promise.all(Array.from({ length: 20 }, () => aquifer.testConnection()));
      await eventually(() => connections >= 1);
    } finally {
      await aquifer.close();
      proxy.close();
    }
  });
}

test('a repeat with the same request_id gets the first answer', async () => {
  const aquifer = client(server.address);
  const requestId = '01234567-89ab-4def-8123-456789abcdef';
  const task = { title: 'once', type: 'TASK_TYPE_SYSTEM_CLEANING' };
  const first = await aquifer.maintenance.createMaintenanceTask(task, {}, { requestId });
  const second = await aquifer.maintenance.createMaintenanceTask(task, {}, { requestId });
  assert.equal(second.id, first.id);
  await assert.rejects(
    aquifer.maintenance.createMaintenanceTask({ ...task, title: 'other' }, {}, { requestId }),
    { reason: 'REQUEST_ID_REUSED' },
  );
});

test('several writes happen all or not at all', async () => {
  const aquifer = client(server.address);
  const { results } = await aquifer.api.transactions.execute({
    writes: [
      { createTechnician: { details: { name: 'new' } } },
      {
        references: [{ field: 'technician_id', write: 0 }],
        createTask: { details: { title: 't', type: 'TASK_TYPE_EQUIPMENT_REPAIR' } },
      },
    ],
  });
  assert.equal(results[1].createTask.task.technicianId, results[0].createTechnician.technician.id);
  const before = (await aquifer.maintenance.getTechnicians()).length;
  await assert.rejects(
    aquifer.api.transactions.execute({
      writes: [
        { createTechnician: { details: { name: 'not kept' } } },
        { deleteTask: { id: 999999, version: 1 } },
      ],
    }),
    (error) => error.reason === 'TASK_NOT_FOUND' && error.metadata.write_index === '1',
  );
  assert.equal((await aquifer.maintenance.getTechnicians()).length, before);
});

test('writes of an outage reach the outbox and happen once when the server is back', async () => {
  const aquifer = client(server.address, { outbox: { pauseMs: 50 } });
  const worker = await aquifer.workers.createWorker({ chatId: 77, name: 'outage' });
  await aquifer.workers.startShift(worker.id);
  await server.kill();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      aquifer.safeExecute(
        ({ workers }) => workers.addWorkPoint(worker.id, { deviceId: String(i) }),
        { fallback: 'later', patienceMs: 200 },
      ),
    ),
  );
  assert.deepEqual(new Set(answers), new Set(['later']));
  assert.equal(aquifer.outboxStats.held, 10);
  await server.startAgain();
  assert.equal(await aquifer.flushOutbox(30_000), true);
  assert.equal(aquifer.outboxStats.delivered, 10);
  const { points } = await aquifer.api.workers.listWorkPoints({ workerId: worker.id });
  assert.equal(points.length, 11);
});

test('a process with an idle client ends by itself', () => {
  const script = `import { connect } from 'aquifer'; const a = connect('${server.address}'); await a.testConnection();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
});

test('a process stays while a stream of it is under way', () => {
  const script = `
    import { connect } from 'aquifer';
    const aquifer = connect('${server.address}');
    let lines = 0;
    for await (const page of aquifer.api.collections.streamCollections({ filter: { deviceIds: ['http2'] } })) lines += page.collections.length;
    console.log(lines);`;
  const options = { timeout: 20_000, encoding: 'utf8' };
  assert.equal(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], options),
    '5000\n',
  );
});
