// Turns the status of a failed call into an AquiferError, with the details the server sent.
import { AquiferError, type Code, type ErrorFacts, LocalReason } from './errors.js';
import {
  decodeBadRequest,
  decodeErrorInfo,
  decodeRequestInfo,
  decodeRetryInfo,
  decodeStatus,
} from './generated/codec.js';
import { Reader } from './reader.js';

// By number, from 1.
const CODES: readonly Code[] = [
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

export const DETAILS_TRAILER = 'grpc-status-details-bin';

/** @param details a google.rpc.Status, as the trailer grpc-status-details-bin has it */
export function errorOfStatus(
  code: number,
  message: string,
  details?: Buffer,
  cause?: unknown,
): AquiferError {
  const facts: ErrorFacts = { code: CODES[code - 1] ?? 'UNKNOWN', message };
  if (details) readDetails(details, facts);
  if (!facts.fromServer && facts.code === 'UNAVAILABLE') facts.reason = LocalReason.UNREACHABLE;
  return new AquiferError(facts, cause);
}

/** The error of a call that got no status. */
export function localError(code: Code, message: string, cause?: unknown): AquiferError {
  return errorOfStatus(CODES.indexOf(code) + 1, message, undefined, cause);
}

function readDetails(bytes: Buffer, facts: ErrorFacts): void {
  for (const { typeUrl, value } of decodeStatus(new Reader(bytes), bytes.length).details) {
    const reader = new Reader(Buffer.from(value.buffer, value.byteOffset, value.length));
    switch (typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) {
      case 'google.rpc.ErrorInfo': {
        const info = decodeErrorInfo(reader, value.length);
        facts.reason = info.reason;
        facts.metadata = info.metadata;
        facts.fromServer = true;
        break;
      }
      case 'google.rpc.RetryInfo':
        facts.retryAfterMs = decodeRetryInfo(reader, value.length).retryDelay;
        break;
      case 'google.rpc.BadRequest':
        facts.fields = decodeBadRequest(reader, value.length).fieldViolations;
        break;
      case 'google.rpc.RequestInfo':
        facts.callId = decodeRequestInfo(reader, value.length).requestId;
        break;
    }
  }
}
