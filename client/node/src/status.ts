// Turns what gRPC says of a failed call into an AquiferError, with the details the server sent.
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';

import { AquiferError, type Code, type ErrorFacts, LocalReason } from './errors.js';
import {
  decodeBadRequest,
  decodeErrorInfo,
  decodeRequestInfo,
  decodeRetryInfo,
  decodeStatus,
} from './generated/codec.js';
import { Reader } from './wire.js';

const DETAILS = 'grpc-status-details-bin';

export function toAquiferError(error: ServiceError): AquiferError {
  const facts: ErrorFacts = {
    code: (status[error.code] ?? 'UNKNOWN') as Code,
    message: error.details || error.message,
  };
  const details = (error.metadata ?? new Metadata()).get(DETAILS)[0];
  if (Buffer.isBuffer(details)) readDetails(details, facts);
  if (!facts.fromServer && facts.code === 'UNAVAILABLE') facts.reason = LocalReason.UNREACHABLE;
  return new AquiferError(facts, error);
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
