// The client: a connection to the service and everything that stands on it.
import { type Address, parseAddresses } from './address.js';
import { Core } from './core.js';
import { DeferringCaller } from './deferring.js';
import { AquiferError } from './errors.js';
import { type AquiferEvents, Events } from './events.js';
import type { GetStatusResponse } from './generated/types.js';
import { Http2Transport } from './http2_transport.js';
import { Link } from './link.js';
import { Outbox, type OutboxOptions, type OutboxStats } from './outbox.js';
import { Repositories } from './repositories.js';
import { sleep } from './retry.js';
import type { TlsOptions, Token, Transport, TransportOptions } from './transport.js';
import { version } from './version.js';

export interface ConnectOptions {
  /** Asked for by "https://" too, then with the certificates that Node trusts. */
  tls?: TlsOptions;
  /** Sent as `authorization: Bearer`; a function is asked before every try, so that it can change. */
  token?: Token;
  /** Send the token over a network without TLS all the same. */
  allowPlaintextToken?: boolean;
  /**
   * For how long a call that failed is begun anew where a repeat is safe and may help; 20 seconds if
   * not set. Each try has the deadline of its method.
   */
  patienceMs?: number;
  /**
   * How often a connection is asked whether it lives; 30 seconds if not set. The server takes less
   * than 10 seconds for abuse.
   */
  keepaliveMs?: number;
  /** The largest answer taken; 64 MiB if not set. */
  maxMessageBytes?: number;
  outbox?: OutboxOptions;
  /**
   * What carries the calls: Node's own HTTP/2, which costs the least, or @grpc/grpc-js, which also
   * knows gRPC's proxies and name resolvers.
   */
  transport?: 'http2' | 'grpc-js';
}

export interface SafeOptions<F> {
  /** The answer where the operation fails; a function gets the error. */
  fallback: F | ((error: unknown) => F);
  /** How long the operation's calls may take, tries included; 2 seconds if not set. */
  patienceMs?: number;
}

const MOST_SAFE_WAIT_MS = 2000;

/** Everything a caller holds. It can be shared by all of a process, and lasts as long as it. */
export class Aquifer extends Repositories {
  private readonly outbox: Outbox;

  /** Use connect() or fakeAquifer(). */
  constructor(
    private readonly transport: Transport,
    private readonly core: Core,
    private readonly events: Events,
    outbox: OutboxOptions | undefined,
  ) {
    super(core);
    this.outbox = new Outbox(core, events, outbox);
  }

  /** Listens to an event; AquiferEvents tells which there are. */
  on<K extends keyof AquiferEvents>(
    event: K,
    listener: (...details: AquiferEvents[K]) => void,
  ): this {
    this.events.on(event, listener);
    return this;
  }

  once<K extends keyof AquiferEvents>(
    event: K,
    listener: (...details: AquiferEvents[K]) => void,
  ): this {
    this.events.once(event, listener);
    return this;
  }

  off<K extends keyof AquiferEvents>(
    event: K,
    listener: (...details: AquiferEvents[K]) => void,
  ): this {
    this.events.off(event, listener);
    return this;
  }

  /** Waits until a server is reached; UNAVAILABLE if none is within `ms`. */
  async ready(ms = 10_000): Promise<void> {
    for (const end = Date.now() + ms; !this.transport.isUp(); await sleep(20)) {
      if (Date.now() >= end) {
        throw new AquiferError({
          code: 'UNAVAILABLE',
          reason: 'UNREACHABLE',
          message: `no server was reached within ${ms} ms`,
        });
      }
    }
  }

  /** How the service is. It answers while its database does not. */
  testConnection(): Promise<GetStatusResponse> {
    return this.api.admin.getStatus();
  }

  /**
   * Runs what must not block its caller or fail it: the calls get `patienceMs`, and a failure becomes
   * the fallback. Use the repositories that `operation` is given: a write of theirs that cannot be
   * delivered is put into the outbox and delivered later, once.
   */
  async safeExecute<T, F = T>(
    operation: (repositories: Repositories) => Promise<T>,
    options: SafeOptions<F>,
  ): Promise<T | F> {
    try {
      const patienceMs = options.patienceMs ?? MOST_SAFE_WAIT_MS;
      return await operation(
        new Repositories(new DeferringCaller(this.core, this.outbox, patienceMs)),
      );
    } catch (error) {
      this.events.emit('suppressed', { error });
      const { fallback } = options;
      return typeof fallback === 'function' ? (fallback as (error: unknown) => F)(error) : fallback;
    }
  }

  /** What the outbox holds, and what became of what it held. */
  get outboxStats(): OutboxStats {
    return this.outbox.stats;
  }

  /** Waits until the outbox is empty, for so long at most; tells whether it is. */
  flushOutbox(ms: number): Promise<boolean> {
    return this.outbox.flush(ms);
  }

  /** Gives the outbox `drainMs` to empty itself, and lets the connection go. */
  async close({ drainMs = 2000 }: { drainMs?: number } = {}): Promise<OutboxStats> {
    await this.outbox.close(drainMs);
    this.transport.close();
    return this.outbox.stats;
  }
}

/**
 * Connects to a server, or to several that share a database: "host:port", "https://host:port",
 * "unix:/path", with commas between them or as a list. Nothing is waited for: a server that is away
 * is reached when it is there.
 */
export function connect(url: string | readonly string[], options: ConnectOptions = {}): Aquifer {
  const addresses = parseAddresses(url);
  if (options.token && !options.allowPlaintextToken) refusePlaintext(addresses, options);
  return assemble(
    transportFor(addresses, options.transport ?? 'http2', {
      tls: options.tls,
      token: options.token,
      keepaliveMs: options.keepaliveMs ?? 30_000,
      maxMessageBytes: options.maxMessageBytes ?? 64 * 1024 * 1024,
      userAgent: `aquifer-node/${version}`,
    }),
    options,
  );
}

function transportFor(
  addresses: readonly Address[],
  kind: 'http2' | 'grpc-js',
  options: TransportOptions,
): Transport {
  if (kind === 'http2') return new Http2Transport(addresses, options);
  // Loaded by those who ask for it alone.
  const { GrpcTransport } = require('./grpc_transport.js') as typeof import('./grpc_transport.js');
  return new GrpcTransport(addresses, options);
}

export function assemble(
  transport: Transport,
  { patienceMs, outbox }: Pick<ConnectOptions, 'patienceMs' | 'outbox'>,
): Aquifer {
  const events = new Events();
  const link = new Link(events);
  transport.onLink((up) => link.serverReached(up));
  return new Aquifer(transport, new Core(transport, link, patienceMs ?? 20_000), events, outbox);
}

function refusePlaintext(addresses: readonly Address[], { tls }: ConnectOptions): void {
  const exposed = addresses.find((address) => !address.tls && !address.local && !tls);
  if (!exposed) return;
  throw new AquiferError({
    code: 'INVALID_ARGUMENT',
    reason: 'PLAINTEXT_TOKEN',
    message: `a token would go to ${exposed.target} without TLS; use https, or set allowPlaintextToken`,
  });
}
