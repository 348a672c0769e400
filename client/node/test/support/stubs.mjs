// Stand-ins for the services of others: the vendor and Telegram, over HTTP.
import { once } from 'node:events';
import { createServer } from 'node:http';

async function listen(handler) {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { status = 200, answer } = await handler(request.url, body && JSON.parse(body));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** A vendor who knows these lines by device; `failing` devices answer 500. */
export async function startVendor(linesByDevice) {
  const vendor = { failing: new Set(), requests: 0 };
  const { url, close } = await listen((path) => {
    ++vendor.requests;
    if (path === '/devices') return { answer: Object.keys(linesByDevice) };
    const match = /^\/devices\/([^/]+)\/lines\?day=(.+)$/.exec(path);
    const device = decodeURIComponent(match[1]);
    if (vendor.failing.has(device)) return { status: 500, answer: {} };
    return { answer: linesByDevice[device].filter(({ time }) => time.startsWith(match[2])) };
  });
  return Object.assign(vendor, { url, close });
}

/** A Telegram with one bot: `say` is a person's message, `answers` what the bot sent to a chat. */
export async function startTelegram() {
  const waiting = [];
  const sent = [];
  let updates = 0;
  const { url, close } = await listen(async (path, body) => {
    if (path === '/sendMessage') {
      sent.push(body);
      return { answer: { ok: true, result: {} } };
    }
    // A short poll, so that a bot that is told to stop does.
    await new Promise((resolve) => setTimeout(resolve, waiting.length === 0 ? 20 : 0));
    return { answer: { ok: true, result: waiting.splice(0) } };
  });
  return {
    url,
    close,
    answers: (chat) =>
      sent.filter((message) => message.chat_id === String(chat)).map(({ text }) => text),
    say: (chat, message) =>
      waiting.push({
        update_id: ++updates,
        message: {
          chat: { id: chat },
          from: { first_name: 'Іван' },
          ...(typeof message === 'string' ? { text: message } : message),
        },
      }),
  };
}
