// When a failed call is tried again: by the kind of failure, the server's advice and the method's
// idempotence, never by the text of a message.
import type { AquiferError } from './errors.js';
import type { AnyMethod } from './method.js';

const FIRST_BACKOFF_MS = 50;
const MOST_BACKOFF_MS = 1000;
// Where a try died without an answer and the link is not known to be broken.
const MOST_BLIND_TRIES = 3;

// Failures that the server names without advice, and after which a repeat that is safe settles it.
const SETTLED_BY_REPEAT = new Set(['COMMIT_IN_DOUBT', 'DEADLINE_EXCEEDED', 'CANCELLED']);

/** How long to wait before the next try; undefined where there shall be none. */
export function retryDelayMs(
  method: AnyMethod,
  hasRequestId: boolean,
  error: AquiferError,
  attempts: number,
): number | undefined {
  if (!isSafeToRepeat(method, hasRequestId) || !mayHelp(error, attempts)) return undefined;
  const ceiling = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempts - 1));
  // Spread, so that callers who failed together do not come back together.
  return Math.max(error.retryAfterMs ?? 0, ceiling * (0.5 + Math.random() / 2));
}

export function isSafeToRepeat(method: AnyMethod, hasRequestId: boolean): boolean {
  return method.idempotence === 'read' || method.idempotence === 'byKey' || hasRequestId;
}

function mayHelp(error: AquiferError, attempts: number): boolean {
  if (error.retryAfterMs !== undefined) return true;
  if (error.fromServer) return SETTLED_BY_REPEAT.has(error.reason);
  switch (error.code) {
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return true;
    case 'CANCELLED':
    case 'INTERNAL':
      // A stream that was reset on the way; the caller's own cancel never comes here.
      return attempts < MOST_BLIND_TRIES;
    default:
      return false;
  }
}

/** Waits, or fails with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
