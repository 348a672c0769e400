// Writes that could not be delivered, kept in memory and delivered later, in order, each under the
// request_id of its first try, so that it happens once however often it is sent.
import { AquiferError } from './errors.js';
import type { Events, HeldWrite } from './events.js';
import { type Core, type Prepared, isRepeatable } from './core.js';
import { sleep } from './retry.js';

export interface OutboxOptions {
  /** How many writes are held at most; 1000 if not set. A full outbox drops the newcomer. */
  capacity?: number | undefined;
  /** How many bytes they have together at most; 16 MiB if not set. */
  capacityBytes?: number | undefined;
  /**
   * How long a write may wait; 23 hours if not set. The server knows a request_id for 24 hours, and a
   * repeat after that could be a second write.
   */
  keepMs?: number | undefined;
  /** How long to wait between tries while the service is away; 1 second if not set. */
  pauseMs?: number | undefined;
}

/** What the outbox holds and what became of what it held. */
export interface OutboxStats {
  held: number;
  heldBytes: number;
  delivered: number;
  dropped: number;
  /** Since when the oldest write waits; undefined where none does. */
  oldest: Date | undefined;
}

interface Entry {
  call: Prepared;
  since: number;
  tries: number;
}

// To take a lease that nobody waits for any more would only keep others from the job.
const NEVER_LATER = new Set(['JobRepository/BeginJobRun', 'JobRepository/RenewJobRun']);

/** Whether a write is one that may happen later than its caller asked for it. */
export function mayWait(call: Prepared): boolean {
  return (
    call.method.idempotence !== 'read' && !NEVER_LATER.has(call.method.name) && isRepeatable(call)
  );
}

export class Outbox {
  private readonly entries: Entry[] = [];
  private readonly capacity: number;
  private readonly capacityBytes: number;
  private readonly keepMs: number;
  private readonly pauseMs: number;
  private readonly closing = new AbortController();
  private bytes = 0;
  private delivered = 0;
  private dropped = 0;
  private running: Promise<void> | undefined;

  constructor(
    private readonly core: Core,
    private readonly events: Events,
    options: OutboxOptions = {},
  ) {
    this.capacity = options.capacity ?? 1000;
    this.capacityBytes = options.capacityBytes ?? 16 * 1024 * 1024;
    this.keepMs = options.keepMs ?? 23 * 3600 * 1000;
    this.pauseMs = options.pauseMs ?? 1000;
  }

  get stats(): OutboxStats {
    const first = this.entries[0];
    return {
      held: this.entries.length,
      heldBytes: this.bytes,
      delivered: this.delivered,
      dropped: this.dropped,
      oldest: first && new Date(first.since),
    };
  }

  /** Takes a write; false if it was dropped because there is no room. */
  hold(call: Prepared): boolean {
    const entry = { call, since: Date.now(), tries: 0 };
    if (this.closing.signal.aborted) {
      this.drop(entry, 'closed');
      return false;
    }
    if (
      this.entries.length >= this.capacity ||
      this.bytes + call.bytes.length > this.capacityBytes
    ) {
      this.drop(entry, 'full');
      return false;
    }
    this.entries.push(entry);
    this.bytes += call.bytes.length;
    this.events.emit('held', facts(entry));
    this.running ??= this.run();
    return true;
  }

  /** Waits until nothing is held, for so long at most; tells whether nothing is. */
  async flush(ms: number): Promise<boolean> {
    if (this.running) {
      const enough = new AbortController();
      await Promise.race([this.running, sleep(ms, enough.signal).catch(() => undefined)]);
      enough.abort();
    }
    return this.entries.length === 0;
  }

  /** Delivers what it can within `ms` and drops the rest. */
  async close(ms: number): Promise<void> {
    await this.flush(ms);
    this.closing.abort();
    await this.running;
    for (const entry of this.entries.splice(0)) this.drop(entry, 'closed');
    this.bytes = 0;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (this.entries.length > 0 && !signal.aborted) {
      const entry = this.entries[0]!;
      if (Date.now() - entry.since >= this.keepMs) {
        this.drop(this.shift(), 'expired');
      } else if (!(await this.deliver(entry, signal))) {
        await sleep(this.pauseMs, signal).catch(() => undefined);
      }
    }
    this.running = undefined;
  }

  /** Whether the entry is settled, one way or the other. */
  private async deliver(entry: Entry, signal: AbortSignal): Promise<boolean> {
    ++entry.tries;
    try {
      await this.core.deliver(entry.call, { signal }, 0);
      this.shift();
      ++this.delivered;
      this.events.emit('delivered', { ...facts(entry), tries: entry.tries });
      return true;
    } catch (error) {
      if (error instanceof AquiferError && mayPass(error)) return false;
      this.drop(this.shift(), 'refused', error as AquiferError);
      return true;
    }
  }

  private shift(): Entry {
    const entry = this.entries.shift()!;
    this.bytes -= entry.call.bytes.length;
    return entry;
  }

  private drop(
    entry: Entry,
    why: 'full' | 'expired' | 'refused' | 'closed',
    error?: AquiferError,
  ): void {
    ++this.dropped;
    this.events.emit('dropped', { ...facts(entry), why, ...(error ? { error } : {}) });
  }
}

/** Whether a later try may end otherwise: nobody was there, or the server said to come again. */
export function mayPass(error: AquiferError): boolean {
  return error.unavailable || error.code === 'CANCELLED' || error.retryAfterMs !== undefined;
}

function facts({ call, since }: Entry): HeldWrite {
  return { method: call.method.name, requestId: call.requestId, heldSince: new Date(since) };
}
