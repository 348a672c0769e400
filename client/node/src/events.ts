// What the client tells while it works; `aquifer.on('lost', ...)`.
import { EventEmitter } from 'node:events';

import type { AquiferError } from './errors.js';

/** A write of the outbox. */
export interface HeldWrite {
  /** As `WorkerRepository/RecordWorkPoint`. */
  method: string;
  /** What the server knows the write by; empty where its key does that. */
  requestId: string;
  heldSince: Date;
}

/** The events and what their listeners get. */
export interface AquiferEvents {
  /** No server is reached any more, or the one reached has lost its database. */
  lost: [{ what: 'server' | 'database'; at: Date }];
  /** Both are there again. */
  restored: [{ what: 'server' | 'database'; at: Date; downMs: number }];
  /** safeExecute answered with its fallback. */
  suppressed: [{ error: unknown }];
  /** A write could not be delivered and waits in the outbox. */
  held: [HeldWrite];
  /** A write of the outbox was delivered. */
  delivered: [HeldWrite & { tries: number }];
  /** A write will never be delivered: the outbox was full, it waited too long, it was refused, or the client was closed. */
  dropped: [HeldWrite & { why: 'full' | 'expired' | 'refused' | 'closed'; error?: AquiferError }];
}

/** An EventEmitter whose events are typed. A listener that throws harms no call. */
export class Events {
  private readonly emitter = new EventEmitter();

  on<K extends keyof AquiferEvents>(
    event: K,
    listener: (...details: AquiferEvents[K]) => void,
  ): this {
    this.emitter.on(event, listener as (...details: unknown[]) => void);
    return this;
  }

  once<K extends keyof AquiferEvents>(
    event: K,
    listener: (...details: AquiferEvents[K]) => void,
  ): this {
    this.emitter.once(event, listener as (...details: unknown[]) => void);
    return this;
  }

  off<K extends keyof AquiferEvents>(
    event: K,
    listener: (...details: AquiferEvents[K]) => void,
  ): this {
    this.emitter.off(event, listener as (...details: unknown[]) => void);
    return this;
  }

  emit<K extends keyof AquiferEvents>(event: K, ...details: AquiferEvents[K]): void {
    try {
      this.emitter.emit(event, ...details);
    } catch (error) {
      process.emitWarning(`a listener of "${event}" threw: ${String(error)}`, 'AquiferWarning');
    }
  }
}
