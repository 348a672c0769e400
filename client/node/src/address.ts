// What connect() takes as an address.
import { AquiferError } from './errors.js';

/** Where a server is, and whether TLS is asked for. */
export interface Address {
  /** As gRPC spells it. */
  target: string;
  /** Empty where there is a path. */
  host: string;
  port: number;
  /** Of a Unix socket; empty where there is none. */
  path: string;
  tls: boolean;
  /** Whether bytes stay on this machine. */
  local: boolean;
}

const DEFAULT_PORT = 50051;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * "host:port", "http://host:port", "https://host:port" (TLS), "unix:/path"; several with commas
 * between them, or as a list.
 */
export function parseAddresses(url: string | readonly string[]): Address[] {
  const texts = typeof url === 'string' ? url.split(',') : url;
  const addresses = texts.map((text) => parseAddress(String(text).trim()));
  if (addresses.length === 0) throw unusable('');
  return addresses;
}

function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/\//, '/');
    return { target: `unix:${path}`, host: '', port: 0, path, tls: false, local: true };
  }
  const match =
    /^(?:(https?|grpcs?|aquifers?):\/\/)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/.exec(
      text,
    );
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (!match || port < 1 || port > 65535) throw unusable(text);
  const host = match[2]!;
  return {
    target: `dns:${host}:${port}`,
    host,
    port,
    path: '',
    tls: match[1]?.endsWith('s') ?? false,
    local: LOOPBACK.test(host),
  };
}

function unusable(text: string): AquiferError {
  return new AquiferError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_ADDRESS',
    message: `"${text}" is no address; "host:port", "https://host:port" and "unix:/path" are`,
  });
}
