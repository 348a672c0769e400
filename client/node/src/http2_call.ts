// One call on an HTTP/2 stream: how it ends, and how messages are framed.
import { type ClientHttp2Stream, constants } from 'node:http2';

import { type AquiferError, type Code } from './errors.js';
import { DETAILS_TRAILER, errorOfStatus, localError } from './status.js';
import { type Attempt, TOKEN_TRAILER } from './transport.js';

type Headers = Record<string, string | string[] | number | undefined>;

const PREFIX_BYTES = 5;

/** Tells once how the call ended: without an error, or with the one that its status is. */
export function watch(
  stream: ClientHttp2Stream,
  attempt: Attempt,
  ended: (error?: AquiferError) => void,
): void {
  let trailers: Headers | undefined;
  let broken: Error | undefined;
  let over = false;
  const { signal, deadline } = attempt;
  const finish = (error?: AquiferError) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    ended(error);
  };
  const stop = (why: AquiferError) => {
    finish(why);
    abandon(stream);
  };
  const cancel = () => stop(localError('CANCELLED', 'the caller left'));
  const timer =
    deadline === Infinity
      ? undefined
      : setTimeout(
          () => stop(localError('DEADLINE_EXCEEDED', 'no answer came in time')),
          Math.max(1, deadline - Date.now()),
        );
  signal?.addEventListener('abort', cancel, { once: true });
  stream.on('response', (headers: Headers) => {
    // A call that fails at once has its status here, and an intermediary may have its own.
    if (headers['grpc-status'] !== undefined || headers[':status'] !== 200) trailers = headers;
  });
  stream.on('trailers', (headers: Headers) => {
    trailers = headers;
    const token = headers[TOKEN_TRAILER];
    if (token !== undefined) attempt.onToken?.(String(token));
  });
  stream.on('error', (error) => {
    broken = error;
  });
  stream.once('close', () => finish(statusOf(trailers, stream.rstCode, broken)));
}

/** Ends a stream that nobody waits for any more, also one whose connection is not there yet. */
export function abandon(stream: ClientHttp2Stream): void {
  if (stream.pending) stream.destroy();
  else stream.close(constants.NGHTTP2_CANCEL);
}

function statusOf(
  trailers: Headers | undefined,
  rstCode: number,
  broken: Error | undefined,
): AquiferError | undefined {
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
  if (trailers)
    return localError(
      codeOfHttp(Number(trailers[':status'])),
      `HTTP status ${trailers[':status']}`,
    );
  if (rstCode === constants.NGHTTP2_CANCEL)
    return localError('CANCELLED', 'the other side cancelled', broken);
  const reset =
    rstCode !== constants.NGHTTP2_NO_ERROR && rstCode !== constants.NGHTTP2_REFUSED_STREAM;
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

export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, PREFIX_BYTES);
  return frame;
}

/** Puts messages together from the chunks they come in. */
export class Messages {
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
    if (rest[0] !== 0)
      throw localError('INTERNAL', 'the answer is compressed, which nobody asked for');
    if (length > this.mostBytes) {
      throw localError(
        'RESOURCE_EXHAUSTED',
        `an answer of ${length} bytes is over maxMessageBytes`,
      );
    }
    const end = PREFIX_BYTES + length;
    if (rest.length < end) return undefined;
    this.rest = rest.length > end ? rest.subarray(end) : undefined;
    return rest.subarray(PREFIX_BYTES, end);
  }
}
