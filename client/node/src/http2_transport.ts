// gRPC over Node's own HTTP/2. A call costs less than half the processor time that it costs over
// @grpc/grpc-js, and a Node process has one processor for all its callers.
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';

import type { Address } from './address.js';
import type { AquiferError } from './errors.js';
import { Messages, abandon, framed, watch } from './http2_call.js';
import { Lane } from './lane.js';
import { Lanes } from './lanes.js';
import { localError } from './status.js';
import {
  type Attempt,
  type Transport,
  type TransportOptions,
  bearer,
  wishes,
} from './transport.js';

// The longest that gRPC writes in milliseconds.
const MOST_TIMEOUT_MS = 99_999_999;

export class Http2Transport implements Transport {
  private readonly lanes: Lanes<Lane>;

  constructor(
    addresses: readonly Address[],
    private readonly options: TransportOptions,
  ) {
    this.lanes = new Lanes(addresses, (address, changed) => new Lane(address, options, changed));
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
    Object.assign(headers, wishes(attempt));
    const authorization = bearer(this.options.token);
    if (authorization === undefined) return headers;
    if (typeof authorization === 'string') return Object.assign(headers, { authorization });
    return authorization.then((text) => Object.assign(headers, { authorization: text }));
  }

  private open(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const lane = this.lanes.next();
    try {
      return lane.request(headers);
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
          reject(error as AquiferError);
          abandon(stream);
        }
      });
      stream.end(framed(request));
    });
  }

  async *serverStream(attempt: Attempt, request: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const stream = this.open(await this.headers(attempt));
    const messages = new Messages(this.options.maxMessageBytes);
    const ended = new Promise<AquiferError | undefined>((resolve) =>
      watch(stream, attempt, resolve),
    );
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
      abandon(stream);
    }
    const error = await ended;
    if (error) throw error;
  }

  async clientStream(attempt: Attempt, requests: AsyncIterable<Buffer>): Promise<Buffer> {
    const stream = this.open(await this.headers(attempt));
    const messages = new Messages(this.options.maxMessageBytes);
    let settled = false;
    const ended = new Promise<AquiferError | undefined>((resolve) =>
      watch(stream, attempt, resolve),
    ).finally(() => {
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
      abandon(stream);
      throw error;
    }
    const error = await ended;
    if (error) throw error;
    const answer = messages.take();
    if (!answer) throw localError('INTERNAL', 'the answer has no message');
    return answer;
  }
}
