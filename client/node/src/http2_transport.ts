// gRPC over Node's own HTTP/2. A call costs less than half the processor time that it costs over
// @grpc/grpc-js, and a Node process has one processor for all its callers.
import { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders, constants } from 'node:http2';

import type { Address } from './address.js';
import { type AquiferError, type Code } from './errors.js';
import { Lane } from './lane.js';
import { DETAILS_TRAILER, errorOfStatus, localError } from './status.js';
import type { Attempt, Transport, TransportOptions } from './transport.js';

type Headers = Record<string, string | string[] | number | undefined>;

const PREFIX_BYTES = 5;
// The longest that gRPC writes in milliseconds.
const MOST_TIMEOUT_MS = 99_999_999;

export class Http2Transport implements Transport {
  private readonly lanes: Lane[];
  private readonly listeners: ((up: boolean) => void)[] = [];
  private next = 0;
  private up = 0;
  private closed = false;

  constructor(
    addresses: readonly Address[],
    private readonly options: TransportOptions,
  ) {
    this.lanes = addresses.map(
      (address) =>
        new Lane(address, options, (up) => {
          this.up += up ? 1 : -1;
          if (this.up === (up ? 1 : 0)) for (const listener of this.listeners) listener(up);
        }),
    );
  }

  onLink(listener: (up: boolean) => void): void {
    this.listeners.push(listener);
  }

  isUp(): boolean {
    for (const lane of this.lanes) lane.use();
    return this.up > 0;
  }

  close(): void {
    this.closed = true;
    for (const lane of this.lanes) lane.close();
  }

  /** The connection next in turn, of those that are there if any is. */
  private session(): ClientHttp2Session {
    if (this.closed) throw localError('CANCELLED', 'the client is closed');
    const { lanes } = this;
    for (let i = 0; i < lanes.length; ++i) {
      const lane = lanes[this.next++ % lanes.length]!;
      // One that is away is tried again meanwhile, so that it gets its turns back.
      const session = lane.use();
      if (session && (lane.up || this.up === 0)) return session;
    }
    throw localError('UNAVAILABLE', 'no server is reached');
  }

  private headers(attempt: Attempt): OutgoingHttpHeaders | Promise<OutgoingHttpHeaders> {
    const headers: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':path': attempt.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': this.options.userAgent,
    };
    if (attempt.deadline !== Infinity) {
      const left = Math.max(1, Math.ceil(attempt.deadline - Date.now()));
      headers['grpc-timeout'] = `${Math.min(left, MOST_TIMEOUT_MS)}m`;
    }
    if (attempt.callId) headers['x-request-id'] = attempt.callId;
    const { token } = this.options;
    if (!token) return headers;
    const authorize = (text: string) => Object.assign(headers, { authorization: `Bearer ${text}` });
    return typeof token === 'string' ? authorize(token) : Promise.resolve(token()).then(authorize);
  }

  private open(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const session = this.session();
    try {
      return session.request(headers);
    } catch (error) {
      // It broke since it was looked at.
      throw localError('UNAVAILABLE', 'the connection broke', error);
    }
  }

  unary(attempt: Attempt, request: Buffer): Promise<Buffer> {
    const headers = this.headers(attempt);
    return headers instanceof Promise
      ? headers.then((ready) => this.send(attempt, request, ready))
      : this.send(attempt, request, headers);
  }

  private send(attempt: Attempt, request: Buffer, headers: OutgoingHttpHeaders): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.open(headers);
      const messages = new Messages(this.options.maxMessageBytes);
      let answer: Buffer | undefined;
      watch(stream, attempt, (error) => {
        if (error) reject(error);
        else if (answer) resolve(answer);
        else reject(localError('INTERNAL', 'the answer has no message'));
      });
      stream.on('data', (chunk: Buffer) => {
        try {
          messages.add(chunk);
          answer ??= messages.take();
        } catch (error) {
          stop(stream, error as AquiferError);
        }
      });
      stream.end(framed(request));
    });
  }

  async *serverStream(attempt: Attempt, request: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const stream = this.open(await this.headers(attempt));
    const messages = new Messages(this.options.maxMessageBytes);
    const ended = new Promise<AquiferError | undefined>((resolve) => watch(stream, attempt, resolve));
    stream.end(framed(request));
    try {
      // Reading at the caller's pace is what holds the server back.
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        messages.add(chunk);
        for (let message = messages.take(); message; message = messages.take()) yield message;
      }
    } catch (error) {
      // A stream that breaks says little; its status says why.
      throw (await ended) ?? error;
    } finally {
      stream.close(constants.NGHTTP2_CANCEL);
    }
    const error = await ended;
    if (error) throw error;
  }

  async clientStream(attempt: Attempt, requests: AsyncIterable<Buffer>): Promise<Buffer> {
    const stream = this.open(await this.headers(attempt));
    const messages = new Messages(this.options.maxMessageBytes);
    let settled = false;
    const ended = new Promise<AquiferError | undefined>((resolve) => watch(stream, attempt, resolve)).finally(() => {
      settled = true;
    });
    stream.on('data', (chunk: Buffer) => messages.add(chunk));
    try {
      for await (const request of requests) {
        if (settled) break;
        if (!stream.write(framed(request))) {
          await Promise.race([new Promise((resolve) => stream.once('drain', resolve)), ended]);
        }
      }
      stream.end();
    } catch (error) {
      stream.close(constants.NGHTTP2_CANCEL);
      throw error;
    }
    const error = await ended;
    if (error) throw error;
    const answer = messages.take();
    if (!answer) throw localError('INTERNAL', 'the answer has no message');
    return answer;
  }
}

/** Tells once how the call ended: without an error, or with the one that its status is. */
function watch(stream: ClientHttp2Stream, attempt: Attempt, ended: (error?: AquiferError) => void): void {
  let trailers: Headers | undefined;
  let broken: Error | undefined;
  const { signal, deadline } = attempt;
  const cancel = () => stop(stream, localError('CANCELLED', 'the caller left'));
  const timer =
    deadline === Infinity
      ? undefined
      : setTimeout(
          () => stop(stream, localError('DEADLINE_EXCEEDED', 'no answer came in time')),
          Math.max(1, deadline - Date.now()),
        );
  signal?.addEventListener('abort', cancel, { once: true });
  stream.on('response', (headers: Headers) => {
    // A call that fails at once has its status here, and an intermediary may have its own.
    if (headers['grpc-status'] !== undefined || headers[':status'] !== 200) trailers = headers;
  });
  stream.on('trailers', (headers: Headers) => {
    trailers = headers;
  });
  stream.on('error', (error) => {
    broken = error;
  });
  stream.once('close', () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    ended(stopped.get(stream) ?? statusOf(trailers, stream.rstCode, broken));
  });
}

// Why this side ended a stream.
const stopped = new WeakMap<ClientHttp2Stream, AquiferError>();

function stop(stream: ClientHttp2Stream, why: AquiferError): void {
  if (stream.closed || stream.destroyed) return;
  stopped.set(stream, why);
  stream.close(constants.NGHTTP2_CANCEL);
}

function statusOf(trailers: Headers | undefined, rstCode: number, broken: Error | undefined): AquiferError | undefined {
  const status = trailers?.['grpc-status'];
  if (status === '0') return undefined;
  if (status !== undefined) {
    const details = trailers![DETAILS_TRAILER];
    return errorOfStatus(
      Number(status),
      percentDecoded(String(trailers!['grpc-message'] ?? '')),
      details === undefined ? undefined : Buffer.from(String(details), 'base64'),
    );
  }
  if (trailers) return localError(codeOfHttp(Number(trailers[':status'])), `HTTP status ${trailers[':status']}`);
  if (rstCode === constants.NGHTTP2_CANCEL) return localError('CANCELLED', 'the other side cancelled', broken);
  const reset = rstCode !== constants.NGHTTP2_NO_ERROR && rstCode !== constants.NGHTTP2_REFUSED_STREAM;
  // A stream that goes with its connection has an error of the socket.
  if (reset && !isOfSocket(broken)) return localError('INTERNAL', 'the stream was reset', broken);
  return localError('UNAVAILABLE', 'the connection broke', broken);
}

function isOfSocket(error: Error | undefined): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code !== undefined && code !== 'ERR_HTTP2_STREAM_ERROR';
}

// As gRPC's table of HTTP statuses has it.
function codeOfHttp(status: number): Code {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'PERMISSION_DENIED';
  if (status === 404) return 'UNIMPLEMENTED';
  if (status === 429 || status === 502 || status === 503 || status === 504) return 'UNAVAILABLE';
  return status === 400 ? 'INTERNAL' : 'UNKNOWN';
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, PREFIX_BYTES);
  return frame;
}

/** Puts messages together from the chunks they come in. */
class Messages {
  private rest: Buffer | undefined;

  constructor(private readonly mostBytes: number) {}

  add(chunk: Buffer): void {
    this.rest = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
  }

  /** The next message that is there whole. */
  take(): Buffer | undefined {
    const { rest } = this;
    if (!rest || rest.length < PREFIX_BYTES) return undefined;
    const length = rest.readUInt32BE(1);
    if (rest[0] !== 0) throw localError('INTERNAL', 'the answer is compressed, which nobody asked for');
    if (length > this.mostBytes) {
      throw localError('RESOURCE_EXHAUSTED', `an answer of ${length} bytes is over maxMessageBytes`);
    }
    const end = PREFIX_BYTES + length;
    if (rest.length < end) return undefined;
    this.rest = rest.length > end ? rest.subarray(end) : undefined;
    return rest.subarray(PREFIX_BYTES, end);
  }
}
