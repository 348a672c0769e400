// The vendor's API, as the scheduler needs it.

export class Vendor {
  constructor(url) {
    this.url = url;
  }

  /** The device ids, which are texts: some are not numbers. */
  listDevices() {
    return this.#get('/devices');
  }

  /** The lines of a device and a day: wall time of Kyiv, card, amounts as decimal texts, description. */
  listLines(deviceId, day) {
    return this.#get(`/devices/${encodeURIComponent(deviceId)}/lines?day=${day}`);
  }

  async #get(path) {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw new Error(`the vendor answered ${response.status}`);
    return response.json();
  }
}
