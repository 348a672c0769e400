// Whether the service can be used: the connection to a server, and that server's to its database.
import type { AquiferError } from './errors.js';
import type { Events } from './events.js';

type Part = 'server' | 'database';

/** Tells of each loss once, and of each return once. What was never reached is not lost. */
export class Link {
  private readonly lostAt: Record<Part, number | undefined> = {
    server: undefined,
    database: undefined,
  };
  private wasUp = false;

  constructor(private readonly events: Events) {}

  /** From the transport. */
  serverReached(up: boolean): void {
    if (up) {
      this.wasUp = true;
      this.restore('server');
    } else if (this.wasUp) {
      this.lose('server');
    }
  }

  answered(usedDatabase: boolean): void {
    if (usedDatabase && this.lostAt.database !== undefined) this.restore('database');
  }

  failed(error: AquiferError): void {
    if (error.reason === 'DATABASE_UNAVAILABLE') this.lose('database');
  }

  private lose(what: Part): void {
    if (this.lostAt[what] !== undefined) return;
    this.lostAt[what] = Date.now();
    this.events.emit('lost', { what, at: new Date() });
  }

  private restore(what: Part): void {
    const since = this.lostAt[what];
    if (since === undefined) return;
    this.lostAt[what] = undefined;
    this.events.emit('restored', { what, at: new Date(), downMs: Date.now() - since });
  }
}
