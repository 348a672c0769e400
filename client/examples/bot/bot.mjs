// A bot over Aquifer: it holds no connection to a database, and goes on while the service is away.
// AQUIFER_URL says where the service is, BOT_API where Telegram is.
import { AquiferError, connect } from 'aquifer';

import { COMMANDS, continueDialogue } from './commands.mjs';
import { Telegram } from './telegram.mjs';

// Somebody waits in a chat: rather say soon that it does not work.
const aquifer = connect(process.env.AQUIFER_URL ?? '127.0.0.1:50051', { patienceMs: 3000 });
const telegram = new Telegram(process.env.BOT_API);

aquifer.on('lost', ({ what }) => console.error(`the ${what} is away`));
aquifer.on('restored', ({ what, downMs }) =>
  console.error(`the ${what} is back after ${downMs} ms`),
);
aquifer.on('dropped', ({ method, why }) => console.error(`${method} was dropped: ${why}`));

/** What to tell somebody of an error; the details are for the log. */
function apology(error) {
  if (!(error instanceof AquiferError)) return 'That did not work.';
  if (error.unavailable) return 'The service is away. Please try again in a minute.';
  if (error.code === 'INVALID_ARGUMENT') return `I do not understand: ${error.message}.`;
  return `That is not possible now (${error.reason}).`;
}

async function answer({ chat, from, text = '', location }) {
  const name = from.first_name || 'nameless';
  const worker = await aquifer.workers.createWorker({ chatId: chat.id, name });
  if (location) {
    // Where somebody is must not be lost, nor make anybody wait: it is delivered later if need be.
    const { latitude, longitude } = location;
    const recordedAt = new Date();
    const point = await aquifer.safeExecute(
      ({ workers }) =>
        workers.addWorkPoint(worker.id, { place: { latitude, longitude }, recordedAt }),
      { fallback: null },
    );
    return point ? 'Noted.' : 'Noted for later.';
  }
  const [command, ...rest] = text.trim().split(/\s+/);
  const handler = COMMANDS[command];
  if (handler) return handler({ aquifer, worker, text: rest.join(' ') });
  return continueDialogue({ aquifer, worker, text: text.trim() });
}

async function handle(message) {
  const reply = await answer(message).catch((error) => {
    // The line names the method and the reason, and never what somebody wrote.
    console.error(
      error instanceof AquiferError
        ? `${error.method}: ${error.reason}, call ${error.callId}`
        : error,
    );
    return apology(error);
  });
  await telegram.send(message.chat.id, reply).catch((error) => console.error(String(error)));
}

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (stopping = true));
while (!stopping) {
  const messages = await telegram
    .nextMessages()
    .catch(() => new Promise((resolve) => setTimeout(resolve, 1000, [])));
  // One after another within a chat, as they were written; chats side by side.
  await Promise.all(
    byChat(messages).map(async (all) => {
      for (const message of all) await handle(message);
    }),
  );
}
const { held, dropped } = await aquifer.close();
console.error(`stopped; ${held} writes held, ${dropped} dropped`);

function byChat(messages) {
  const chats = new Map();
  for (const message of messages) {
    const { id } = message.chat;
    if (!chats.has(id)) chats.set(id, []);
    chats.get(id).push(message);
  }
  return [...chats.values()];
}
