// The caller inside safeExecute: a write that cannot be delivered soon goes to the outbox.
import { AquiferError } from './errors.js';
import type { Core } from './core.js';
import type { CallOptions, Caller, Method } from './method.js';
import { type Outbox, mayPass, mayWait } from './outbox.js';

export class DeferringCaller implements Caller {
  constructor(
    private readonly core: Core,
    private readonly outbox: Outbox,
    private readonly patienceMs: number,
  ) {}

  async unary<I, O>(method: Method<I, O>, request: I, options: CallOptions = {}): Promise<O> {
    const bounded = { deadlineMs: this.patienceMs, ...options };
    if (method.idempotence === 'read') return this.core.unary(method, request, bounded);
    const call = this.core.prepare(method, request, options);
    // While others wait the service is away, and to overtake them would change the order.
    if (this.outbox.stats.held > 0 && mayWait(call)) throw this.held(call);
    try {
      return this.core.read(method, await this.core.deliver(call, bounded));
    } catch (error) {
      if (
        error instanceof AquiferError &&
        mayPass(error) &&
        !options.signal?.aborted &&
        mayWait(call)
      ) {
        error.deferred = this.outbox.hold(call);
      }
      throw error;
    }
  }

  private held(call: Parameters<Outbox['hold']>[0]): AquiferError {
    const error = new AquiferError({
      code: 'UNAVAILABLE',
      reason: 'HELD',
      message: 'the write waits in the outbox behind others',
    });
    error.method = call.method.name;
    error.deferred = this.outbox.hold(call);
    return error;
  }

  serverStream<I, O>(method: Method<I, O>, request: I, options?: CallOptions): AsyncIterable<O> {
    return this.core.serverStream(method, request, options);
  }

  clientStream<I, O>(
    method: Method<I, O>,
    requests: AsyncIterable<I> | Iterable<I>,
    options?: CallOptions,
  ): Promise<O> {
    return this.core.clientStream(method, requests, options);
  }
}
