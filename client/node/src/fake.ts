// The service for users' tests: no server, no socket, the same classes and the same encoding.
import { type Aquifer, type ConnectOptions, assemble } from './client.js';
import { AquiferError, type ErrorFacts } from './errors.js';
import { methods } from './generated/methods.js';
import type { AnyMethod, Method } from './method.js';
import type { Attempt, Transport } from './transport.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

type Methods = typeof methods;
export type MethodName = keyof Methods;
type RequestOf<M> = M extends Method<infer _I, infer _O, infer Q, infer _A> ? Q : never;
type AnswerOf<M> = M extends Method<infer _I, infer _O, infer _Q, infer A> ? A : never;
type Awaitable<T> = T | Promise<T>;

/** The answer of a method, or what makes it from the request. A stream's answer is a list. */
export type FakeHandlers = {
  [N in MethodName]?: (
    request: Methods[N] extends { kind: 'clientStream' }
      ? RequestOf<Methods[N]>[]
      : RequestOf<Methods[N]>,
  ) => Awaitable<AnswerOf<Methods[N]> | AnswerOf<Methods[N]>[]>;
};

/** A call that the fake got. */
export interface FakeCall {
  method: MethodName;
  request: unknown;
}

/** A client whose calls end here, and what steers them. */
export interface FakeAquifer extends Aquifer {
  readonly fake: Fake;
}

class Fake implements Transport {
  /** Every call, tries included, in order. */
  readonly calls: FakeCall[] = [];
  private readonly failures: { method: MethodName; facts: ErrorFacts; times: number }[] = [];
  private readonly listeners: ((up: boolean) => void)[] = [];
  private up = true;

  constructor(private readonly handlers: FakeHandlers) {}

  /** Says what a method answers from now on. */
  handle<N extends MethodName>(method: N, handler: FakeHandlers[N]): void {
    this.handlers[method] = handler as FakeHandlers[typeof method];
  }

  /** Lets the next calls of a method fail like this. */
  fail(
    method: MethodName,
    facts: Omit<ErrorFacts, 'message'> & { message?: string },
    times = 1,
  ): void {
    this.failures.push({
      method,
      facts: { message: 'a failure of the fake', fromServer: true, ...facts },
      times,
    });
  }

  /** Takes the server away, or brings it back. */
  setUp(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    for (const listener of this.listeners) listener(up);
  }

  /** The requests of one method. */
  requestsOf<N extends MethodName>(method: N): RequestOf<Methods[N]>[] {
    return this.calls
      .filter((call) => call.method === method)
      .map((call) => call.request as RequestOf<Methods[N]>);
  }

  onLink(listener: (up: boolean) => void): void {
    this.listeners.push(listener);
    listener(this.up);
  }

  isUp(): boolean {
    return this.up;
  }

  close(): void {
    this.up = false;
  }

  async unary(attempt: Attempt, bytes: Buffer): Promise<Buffer> {
    const method = methodAt(attempt.path);
    const request = decodeRequest(method, bytes);
    const answer = await this.answer(method.name as MethodName, request);
    return encode(method, answer);
  }

  async *serverStream(attempt: Attempt, bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const method = methodAt(attempt.path);
    const answers = await this.answer(method.name as MethodName, decodeRequest(method, bytes));
    for (const answer of [answers].flat()) yield encode(method, answer);
  }

  async clientStream(attempt: Attempt, stream: AsyncIterable<Buffer>): Promise<Buffer> {
    const method = methodAt(attempt.path);
    const requests: unknown[] = [];
    for await (const bytes of stream) requests.push(decodeRequest(method, bytes));
    return encode(method, await this.answer(method.name as MethodName, requests));
  }

  private async answer(method: MethodName, request: unknown): Promise<unknown> {
    this.calls.push({ method, request });
    if (!this.up) {
      throw new AquiferError({
        code: 'UNAVAILABLE',
        reason: 'UNREACHABLE',
        message: 'the fake is away',
      });
    }
    const failure = this.failures.find((each) => each.method === method && each.times > 0);
    if (failure) {
      --failure.times;
      throw new AquiferError(failure.facts);
    }
    const handler = this.handlers[method] as ((request: unknown) => unknown) | undefined;
    if (handler) return handler(request);
    throw new AquiferError({
      code: 'UNIMPLEMENTED',
      reason: 'NO_HANDLER',
      message: `the fake has no handler for ${method}`,
      fromServer: true,
    });
  }
}

/** A client for tests, whose methods answer what `handlers` say. */
export function fakeAquifer(
  handlers: FakeHandlers = {},
  options: Pick<ConnectOptions, 'patienceMs' | 'outbox'> = {},
): FakeAquifer {
  const fake = new Fake({ ...handlers });
  return Object.assign(assemble(fake, { patienceMs: 0, ...options }), { fake });
}

const byPath = new Map<string, AnyMethod>(
  Object.values(methods).map((method) => [method.path, method as unknown as AnyMethod]),
);

function methodAt(path: string): AnyMethod {
  return byPath.get(path)!;
}

function decodeRequest(method: AnyMethod, bytes: Buffer): unknown {
  return method.decodeRequest(new Reader(bytes), bytes.length);
}

function encode(method: AnyMethod, answer: unknown): Buffer {
  const writer = new Writer();
  method.encodeResponse(writer, answer as never);
  return writer.finish();
}
