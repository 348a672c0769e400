/** One try of a call, as bytes. */
export interface Attempt {
  path: string;
  /** Epoch milliseconds; Infinity for none. */
  deadline: number;
  callId?: string | undefined;
  consistency?: string | undefined;
  onToken?: ((token: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The trailer that a write's token comes in. */
export const TOKEN_TRAILER = 'aquifer-token';

/** What an attempt asks for, as headers; undefined if nothing. */
export function wishes(attempt: Attempt): Record<string, string> | undefined {
  const { callId, consistency, onToken } = attempt;
  if (!callId && !consistency && !onToken) return undefined;
  return {
    ...(callId ? { 'x-request-id': callId } : {}),
    ...(consistency ? { 'aquifer-consistency': consistency } : {}),
    ...(onToken ? { 'aquifer-want-token': 'true' } : {}),
  };
}

/** Carries tries to a server. Everything it rejects with is an AquiferError. */
export interface Transport {
  unary(attempt: Attempt, request: Buffer): Promise<Buffer>;
  serverStream(attempt: Attempt, request: Buffer): AsyncIterable<Buffer>;
  clientStream(attempt: Attempt, requests: AsyncIterable<Buffer>): Promise<Buffer>;
  /** Tells whenever the first server is reached and the last one is lost. */
  onLink(listener: (up: boolean) => void): void;
  /** Whether a server is reached; begins to connect if none is. */
  isUp(): boolean;
  close(): void;
}

/** TLS, in PEM. Without `ca`, the certificates that Node trusts. */
export interface TlsOptions {
  ca?: string | Buffer;
  /** With `key`, for mutual TLS. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The name in the server's certificate, where it is not the host's. */
  serverName?: string;
}

export type Token = string | (() => string | Promise<string>);

export interface TransportOptions {
  tls?: TlsOptions | undefined;
  /** Sent as `authorization: Bearer`; a function is asked before every try. */
  token?: Token | undefined;
  keepaliveMs: number;
  maxMessageBytes: number;
  userAgent: string;
}

/** How long the answer to a keepalive ping may take. */
export const keepaliveTimeoutMs = ({ keepaliveMs }: TransportOptions): number =>
  Math.min(10_000, keepaliveMs);

/** What `authorization` says, if anything; a promise only where the token takes one. */
export function bearer(token: Token | undefined): string | undefined | Promise<string> {
  if (!token) return undefined;
  if (typeof token === 'string') return `Bearer ${token}`;
  return Promise.resolve(token()).then((text) => `Bearer ${text}`);
}
