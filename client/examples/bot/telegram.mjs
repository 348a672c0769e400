// The part of Telegram's bot API that the bot needs.

export class Telegram {
  #next = 0;

  constructor(url) {
    this.url = url;
  }

  /** New messages, after waiting for some; each comes once. */
  async nextMessages() {
    const updates = await this.#call('getUpdates', { offset: this.#next, timeout: 30 });
    for (const { update_id: id } of updates) this.#next = id + 1;
    return updates.map(({ message }) => message).filter(Boolean);
  }

  send(chatId, text) {
    // Chat ids are bigints here; Telegram takes them as text.
    return this.#call('sendMessage', { chat_id: String(chatId), text });
  }

  async #call(method, body) {
    const response = await fetch(`${this.url}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!answer.ok) throw new Error(`Telegram: ${answer.description}`);
    return answer.result;
  }
}
