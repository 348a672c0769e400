// What is known of an RPC, and how one is called.
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** What a second call with the same content does; see proto/aquifer/v1/options.proto. */
export type Idempotence = 'read' | 'byKey' | 'guarded' | 'byRequestId';

/** One RPC with its policy, as the protos state it. */
export interface Method<Input, Output, Request = unknown, OutputInput = never> {
  /** As `WorkerRepository/GetWorker`. */
  readonly name: string;
  readonly path: string;
  readonly kind: 'unary' | 'serverStream' | 'clientStream';
  readonly idempotence: Idempotence;
  readonly usesDatabase: boolean;
  /** The most time the server gives one try. */
  readonly deadlineMs: number;
  /** The number of the request's field request_id; 0 if it has none. */
  readonly requestIdField: number;
  readonly encode: (w: Writer, message: Input) => void;
  readonly decode: (r: Reader, end: number) => Output;
  /** The server's side, for fakes. */
  readonly decodeRequest: (r: Reader, end: number) => Request;
  readonly encodeResponse: (w: Writer, message: OutputInput) => void;
}

/** What one call may say about itself. */
export interface CallOptions {
  /**
   * When the call gives up, all its tries included. Without it, each try has the deadline of its
   * method, and new ones begin for `patienceMs` of connect().
   */
  deadlineMs?: number | undefined;
  /** Ends the call; it then fails with CANCELLED. */
  signal?: AbortSignal | undefined;
  /**
   * A UUID that names this write, so that another call with the same one gets the first answer. One
   * is made for every write that can carry it, and all tries of a call share it.
   */
  requestId?: string | undefined;
  /** Names the call in the server's log (x-request-id). */
  callId?: string | undefined;
  /**
   * How new what a read sees must be: `strong` (the default), `at-least=TOKEN`, `stale=SECONDS` or
   * `any`. Anything but strong may be answered by a replica.
   */
  consistency?: string | undefined;
  /** Of a write: gets the token that `at-least=TOKEN` makes later reads see it by. */
  onToken?: ((token: string) => void) | undefined;
}

/** Makes calls. The typed API of every service stands on this alone. */
export interface Caller {
  unary<I, O>(method: Method<I, O>, request: I, options?: CallOptions): Promise<O>;
  serverStream<I, O>(method: Method<I, O>, request: I, options?: CallOptions): AsyncIterable<O>;
  clientStream<I, O>(
    method: Method<I, O>,
    requests: AsyncIterable<I> | Iterable<I>,
    options?: CallOptions,
  ): Promise<O>;
}

/** Any method, where its messages do not matter. */
export type AnyMethod = Method<never, unknown>;
