// The connections to all servers: calls go in turn to those that are there.
import type { Address } from './address.js';
import { AquiferError, LocalReason } from './errors.js';
import { localError } from './status.js';

/** The connection to one server. */
export interface Connection {
  /** Whether it is there and takes calls. */
  readonly up: boolean;
  /** Begins to connect if it is not there; false where it cannot take a call yet. */
  use(): boolean;
  /** Lets calls under way end, and connects no more. */
  close(): void;
}

export class Lanes<C extends Connection> {
  private readonly all: readonly C[];
  private readonly listeners: ((up: boolean) => void)[] = [];
  private turn = 0;
  private up = 0;
  private closed = false;

  /** @param open makes the connection to an address, which tells `changed` whenever its `up` does */
  constructor(
    addresses: readonly Address[],
    open: (address: Address, changed: (up: boolean) => void) => C,
  ) {
    this.all = addresses.map((address) => open(address, (up) => this.changed(up)));
  }

  /** Hears when the first server is reached and when the last one is lost. */
  onLink(listener: (up: boolean) => void): void {
    this.listeners.push(listener);
  }

  isUp(): boolean {
    for (const connection of this.all) connection.use();
    return this.up > 0;
  }

  close(): void {
    this.closed = true;
    for (const connection of this.all) connection.close();
  }

  /** The connection for the next call: one that is there, if any is. */
  next(): C {
    if (this.closed) {
      throw new AquiferError({
        code: 'CANCELLED',
        reason: LocalReason.CLOSED,
        message: 'the client is closed',
      });
    }
    const { all } = this;
    for (let i = 0; i < all.length; ++i) {
      const connection = all[this.turn++ % all.length]!;
      // One that is away is tried again meanwhile, so that it gets its turns back.
      if (connection.use() && (connection.up || this.up === 0)) return connection;
    }
    throw localError('UNAVAILABLE', 'no server is reached');
  }

  private changed(up: boolean): void {
    this.up += up ? 1 : -1;
    if (this.up === (up ? 1 : 0)) for (const listener of this.listeners) listener(up);
  }
}
