// The one path of a call: encode, name the write, try until it is settled, decode.
import { randomUUID } from 'node:crypto';

import { AquiferError } from './errors.js';
import type { Link } from './link.js';
import type { AnyMethod, CallOptions, Caller, Method } from './method.js';
import { isSafeToRepeat, retryDelayMs, sleep } from './retry.js';
import type { Attempt, Transport } from './transport.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

const NO_OPTIONS: CallOptions = {};

/** A call made ready: it can be sent any number of times and stays the same write. */
export interface Prepared {
  method: AnyMethod;
  bytes: Buffer;
  /** Empty where the request has none. */
  requestId: string;
}

export class Core implements Caller {
  private readonly writer = new Writer();

  constructor(
    private readonly transport: Transport,
    private readonly link: Link,
    private readonly patienceMs: number,
  ) {}

  async unary<I, O>(
    method: Method<I, O>,
    request: I,
    options: CallOptions = NO_OPTIONS,
  ): Promise<O> {
    return this.read(method, await this.deliver(this.prepare(method, request, options), options));
  }

  read<O>(method: Method<never, O>, answer: Buffer): O {
    return method.decode(new Reader(answer), answer.length);
  }

  prepare<I>(method: Method<I, unknown>, request: I, options: CallOptions): Prepared {
    let bytes = this.encode(method, request);
    let requestId = '';
    if (method.requestIdField !== 0) {
      requestId = (request as { requestId?: string | null }).requestId ?? '';
      if (requestId === '') {
        requestId = options.requestId ?? randomUUID();
        bytes = Buffer.concat([bytes, requestIdBytes(method.requestIdField, requestId)]);
      }
    }
    return { method: method as AnyMethod, bytes, requestId };
  }

  private encode<I>(method: Method<I, unknown>, request: I): Buffer {
    this.writer.reset();
    try {
      method.encode(this.writer, request);
    } catch (error) {
      if (error instanceof AquiferError) error.method = method.name;
      throw error;
    }
    return this.writer.finish();
  }

  /** Tries until there is an answer, a failure that a repeat cannot mend, or no time left. */
  async deliver(
    call: Prepared,
    options: CallOptions,
    patienceMs = this.patienceMs,
  ): Promise<Buffer> {
    const { method } = call;
    if (options.signal?.aborted) throw cancelled(method);
    const begin = Date.now();
    const end = begin + (options.deadlineMs ?? Infinity);
    const lastBegin = Math.min(end, begin + (options.deadlineMs ?? patienceMs));
    for (let attempts = 1; ; ++attempts) {
      try {
        const answer = await this.transport.unary(attemptOf(method, options, end), call.bytes);
        this.link.answered(method.usesDatabase);
        return answer;
      } catch (failure) {
        const error = this.noted(failure, method, attempts);
        const wait = retryDelayMs(method, call.requestId !== '', error, attempts);
        if (wait === undefined || options.signal?.aborted || Date.now() + wait >= lastBegin)
          throw error;
        await sleep(wait, options.signal).catch(() => {
          throw error;
        });
      }
    }
  }

  async *serverStream<I, O>(
    method: Method<I, O>,
    request: I,
    options: CallOptions = NO_OPTIONS,
  ): AsyncGenerator<O, void, undefined> {
    const bytes = this.encode(method, request);
    const end = Date.now() + (options.deadlineMs ?? this.patienceMs);
    for (let attempts = 1, begun = false; ; ++attempts) {
      try {
        for await (const message of this.transport.serverStream(
          streamAttempt(method, options),
          bytes,
        )) {
          begun = true;
          this.link.answered(method.usesDatabase);
          yield method.decode(new Reader(message), message.length);
        }
        return;
      } catch (failure) {
        const error = this.noted(failure, method, attempts);
        // What was yielded cannot be taken back, so only a stream that gave nothing begins anew.
        const wait = begun ? undefined : retryDelayMs(method as AnyMethod, false, error, attempts);
        if (wait === undefined || options.signal?.aborted || Date.now() + wait >= end) throw error;
        await sleep(wait, options.signal).catch(() => {
          throw error;
        });
      }
    }
  }

  /** One try: what was read from `requests` is gone. The methods are safe to call anew with all of it. */
  async clientStream<I, O>(
    method: Method<I, O>,
    requests: AsyncIterable<I> | Iterable<I>,
    options: CallOptions = NO_OPTIONS,
  ): Promise<O> {
    try {
      const answer = await this.transport.clientStream(
        streamAttempt(method, options),
        this.encodeAll(method, requests),
      );
      this.link.answered(method.usesDatabase);
      return method.decode(new Reader(answer), answer.length);
    } catch (failure) {
      if (!(failure instanceof AquiferError)) throw failure;
      throw this.noted(failure, method, 1);
    }
  }

  private async *encodeAll<I>(
    method: Method<I, unknown>,
    requests: AsyncIterable<I> | Iterable<I>,
  ): AsyncGenerator<Buffer, void, undefined> {
    for await (const request of requests) yield this.encode(method, request);
  }

  private noted(failure: unknown, method: { name: string }, attempts: number): AquiferError {
    if (!(failure instanceof AquiferError)) throw failure;
    failure.method = method.name;
    failure.attempts = attempts;
    this.link.failed(failure);
    return failure;
  }
}

/** Whether the write may be sent again at any later time. */
export function isRepeatable({ method, requestId }: Prepared): boolean {
  return isSafeToRepeat(method, requestId !== '');
}

function attemptOf(method: AnyMethod, options: CallOptions, end: number): Attempt {
  return {
    path: method.path,
    deadline: Math.min(end, Date.now() + method.deadlineMs),
    callId: options.callId,
    consistency: options.consistency,
    onToken: options.onToken,
    signal: options.signal,
  };
}

function cancelled(method: { name: string }): AquiferError {
  const error = new AquiferError({
    code: 'CANCELLED',
    message: 'the caller had left before the call',
  });
  error.method = method.name;
  return error;
}

// A stream may last as long as it is read; the server bounds each of its steps.
function streamAttempt(method: { path: string }, options: CallOptions): Attempt {
  return {
    path: method.path,
    deadline: options.deadlineMs === undefined ? Infinity : Date.now() + options.deadlineMs,
    callId: options.callId,
    consistency: options.consistency,
    onToken: options.onToken,
    signal: options.signal,
  };
}

// Fields may follow one another in any order, so the id goes behind what is encoded.
function requestIdBytes(field: number, requestId: string): Buffer {
  return new Writer(64)
    .uint32(field * 8 + 2)
    .string(requestId, 'request_id')
    .finish();
}
