// The transport over @grpc/grpc-js: a connection to each server, calls to those that are up in turn.
import {
  type ChannelCredentials,
  Client,
  type ClientWritableStream,
  Metadata,
  type ServiceError,
  connectivityState,
  credentials,
} from '@grpc/grpc-js';

import { type Address } from './address.js';
import type { AquiferError } from './errors.js';
import { type Connection, Lanes } from './lanes.js';
import { DETAILS_TRAILER, errorOfStatus } from './status.js';
import {
  type Attempt,
  TOKEN_TRAILER,
  type TlsOptions,
  type Transport,
  type TransportOptions,
  bearer,
  keepaliveTimeoutMs,
  wishes,
} from './transport.js';

function toAquiferError(error: ServiceError): AquiferError {
  const details = error.metadata?.get(DETAILS_TRAILER)[0];
  return errorOfStatus(
    error.code,
    error.details || error.message,
    Buffer.isBuffer(details) ? details : undefined,
    error,
  );
}

const pem = (text: string | Buffer | undefined): Buffer | null =>
  text === undefined ? null : Buffer.from(text);
const asIs = (bytes: Buffer): Buffer => bytes;

function credentialsFor(address: Address, tls: TlsOptions | undefined): ChannelCredentials {
  if (!address.tls && !tls) return credentials.createInsecure();
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert));
}

export class GrpcTransport implements Transport {
  private readonly lanes: Lanes<Lane>;
  private readonly plain = new Metadata();

  constructor(
    addresses: readonly Address[],
    private readonly options: TransportOptions,
  ) {
    this.lanes = new Lanes(
      addresses,
      (address, changed) => new Lane(this.clientFor(address), changed),
    );
  }

  private clientFor(address: Address): Client {
    const { tls, keepaliveMs, maxMessageBytes, userAgent } = this.options;
    return new Client(address.target, credentialsFor(address, tls), {
      'grpc.primary_user_agent': userAgent,
      'grpc.keepalive_time_ms': keepaliveMs,
      'grpc.keepalive_timeout_ms': keepaliveTimeoutMs(this.options),
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.max_receive_message_length': maxMessageBytes,
      // This package retries by itself, and there is no service config to look up.
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
      ...(tls?.serverName ? { 'grpc.ssl_target_name_override': tls.serverName } : {}),
    });
  }

  onLink(listener: (up: boolean) => void): void {
    this.lanes.onLink(listener);
  }

  isUp(): boolean {
    return this.lanes.isUp();
  }

  close(): void {
    this.lanes.close();
  }

  private client(): Client {
    return this.lanes.next().client;
  }

  private headers(attempt: Attempt): Metadata | Promise<Metadata> {
    const authorization = bearer(this.options.token);
    const wanted = wishes(attempt);
    if (!authorization && !wanted) return this.plain;
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(wanted ?? {})) metadata.set(key, value);
    const authorize = (text: string) => {
      metadata.set('authorization', text);
      return metadata;
    };
    if (authorization === undefined) return metadata;
    return typeof authorization === 'string'
      ? authorize(authorization)
      : authorization.then(authorize);
  }

  unary(attempt: Attempt, request: Buffer): Promise<Buffer> {
    const headers = this.headers(attempt);
    return headers instanceof Metadata
      ? this.send(attempt, request, headers)
      : headers.then((ready) => this.send(attempt, request, ready));
  }

  private send(attempt: Attempt, request: Buffer, headers: Metadata): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const { signal } = attempt;
      const call = this.client().makeUnaryRequest(
        attempt.path,
        asIs,
        asIs,
        request,
        headers,
        { deadline: attempt.deadline },
        (error, answer) => {
          signal?.removeEventListener('abort', cancel);
          if (error) reject(toAquiferError(error));
          else resolve(answer!);
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      tellToken(call, attempt);
    });
  }

  async *serverStream(attempt: Attempt, request: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const call = this.client().makeServerStreamRequest(
      attempt.path,
      asIs,
      asIs,
      request,
      await this.headers(attempt),
      { deadline: attempt.deadline },
    );
    const cancel = () => call.cancel();
    attempt.signal?.addEventListener('abort', cancel, { once: true });
    try {
      yield* call as AsyncIterable<Buffer>;
    } catch (error) {
      throw toAquiferError(error as ServiceError);
    } finally {
      attempt.signal?.removeEventListener('abort', cancel);
      // A reader that stops early leaves nothing running.
      call.cancel();
    }
  }

  async clientStream(attempt: Attempt, requests: AsyncIterable<Buffer>): Promise<Buffer> {
    const headers = await this.headers(attempt);
    let settled = false;
    let call!: ClientWritableStream<Buffer>;
    const answer = new Promise<Buffer>((resolve, reject) => {
      call = this.client().makeClientStreamRequest<Buffer, Buffer>(
        attempt.path,
        asIs,
        asIs,
        headers,
        { deadline: attempt.deadline },
        (error, value) => {
          settled = true;
          if (error) reject(toAquiferError(error));
          else resolve(value!);
        },
      );
    });
    const cancel = () => call.cancel();
    attempt.signal?.addEventListener('abort', cancel, { once: true });
    tellToken(call, attempt);
    // The answer tells what went wrong with the stream; its own error events tell nothing more.
    call.on('error', () => undefined);
    answer.catch(() => undefined);
    try {
      for await (const bytes of requests) {
        if (settled) break;
        if (!call.write(bytes)) await Promise.race([drained(call), answer]);
      }
      call.end();
      return await answer;
    } catch (error) {
      call.cancel();
      throw error;
    } finally {
      attempt.signal?.removeEventListener('abort', cancel);
    }
  }
}

function tellToken(call: NodeJS.EventEmitter, { onToken }: Attempt): void {
  if (!onToken) return;
  call.on('status', (status: { metadata: Metadata }) => {
    const [token] = status.metadata.get(TOKEN_TRAILER);
    if (token !== undefined) onToken(String(token));
  });
}

function drained(call: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => call.once('drain', () => resolve()));
}

/** The connection to one server, and whether it is up. */
class Lane implements Connection {
  up = false;
  private closed = false;

  constructor(
    readonly client: Client,
    private readonly changed: (up: boolean) => void,
  ) {
    this.watch(client.getChannel().getConnectivityState(false));
  }

  /** A call that comes while it connects waits for that. */
  use(): boolean {
    this.client.getChannel().getConnectivityState(true);
    return true;
  }

  close(): void {
    this.closed = true;
    this.client.close();
  }

  private watch(state: connectivityState): void {
    this.client.getChannel().watchConnectivityState(state, Infinity, (error) => {
      if (error || this.closed) return;
      // A link that went idle because it broke is made anew at once.
      const now = this.client.getChannel().getConnectivityState(this.up);
      const up = now === connectivityState.READY;
      if (up !== this.up) {
        this.up = up;
        this.changed(up);
      }
      this.watch(now);
    });
  }
}
