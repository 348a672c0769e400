// What a call throws: one class, with what a program needs to decide.

/** The codes of gRPC. */
export type Code =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

/** The reasons that this package gives itself; all others come from the server's catalogue. */
export const LocalReason = {
  /** No server was reached, or the connection broke. */
  UNREACHABLE: 'UNREACHABLE',
  /** The client is closed. */
  CLOSED: 'CLOSED',
} as const;

/** A field that was refused, and what is allowed there. */
export interface FieldProblem {
  field: string;
  description: string;
}

/** What is known of an error. */
export interface ErrorFacts {
  code: Code;
  message: string;
  reason?: string;
  retryAfterMs?: number | undefined;
  fields?: FieldProblem[];
  metadata?: Record<string, string>;
  callId?: string;
  fromServer?: boolean;
}

/** A call that failed, or a value that was refused before any call was made. */
export class AquiferError extends Error {
  override readonly name = 'AquiferError';
  /** The code of gRPC: what kind of failure. */
  readonly code: Code;
  /** Why, in one word of the catalogue: WORKER_NOT_FOUND, STALE_VERSION, QUEUE_FULL and so on. */
  readonly reason: string;
  /** When trying again can help, by the server's advice; undefined where it gave none. */
  readonly retryAfterMs: number | undefined;
  /** Every field that was refused. */
  readonly fields: readonly FieldProblem[];
  /** Identifying values and the remedy; never personal data. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names the call in the server's log. */
  readonly callId: string;
  /** Whether a server said so, and not this package. */
  readonly fromServer: boolean;
  /** The method, as `WorkerRepository/GetWorker`; empty where no call was made. */
  method = '';
  /** How often it was tried. */
  attempts = 0;
  /** Whether the write waits in the outbox and will be tried again. */
  deferred = false;

  constructor(facts: ErrorFacts, cause?: unknown) {
    super(facts.message, cause === undefined ? undefined : { cause });
    this.code = facts.code;
    this.reason = facts.reason ?? facts.code;
    this.retryAfterMs = facts.retryAfterMs;
    this.fields = facts.fields ?? [];
    this.metadata = facts.metadata ?? {};
    this.callId = facts.callId ?? '';
    this.fromServer = facts.fromServer ?? false;
  }

  /** Whether the service, or its database, could not be reached. "Empty" is never this. */
  get unavailable(): boolean {
    return this.code === 'UNAVAILABLE' || this.code === 'DEADLINE_EXCEEDED';
  }

  /** One line for people. */
  override toString(): string {
    const remedy = this.metadata['remedy'];
    return (
      `${this.method ? `${this.method}: ` : ''}${this.code} (${this.reason}): ${this.message}` +
      (remedy ? ` ${remedy}` : '')
    );
  }
}

/** The error of a value that is refused before it is sent, like the server's INVALID_FIELDS. */
export function invalidField(field: string, description: string): AquiferError {
  return new AquiferError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELDS',
    message: `${field} ${description}`,
    fields: [{ field, description }],
  });
}
