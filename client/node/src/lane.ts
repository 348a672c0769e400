// The HTTP/2 connection to one server: made when it is first needed, and anew when it breaks.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
  connect,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';

import type { Address } from './address.js';
import type { Connection } from './lanes.js';
import { type TransportOptions, keepaliveTimeoutMs } from './transport.js';

const FIRST_BACKOFF_MS = 50;
const MOST_BACKOFF_MS = 1000;
const CONNECT_TIMEOUT_MS = 10_000;
// Answers of some megabytes come without waiting for leave to send more.
const WINDOW_BYTES = 8 * 1024 * 1024;

export class Lane implements Connection {
  /** Whether the connection is there and takes calls. */
  up = false;
  private session: ClientHttp2Session | undefined;
  private closed = false;
  private failures = 0;
  private notBefore = 0;
  private waiting: NodeJS.Timeout | undefined;
  private wasUp = false;
  private calls = 0;

  constructor(
    private readonly address: Address,
    private readonly options: TransportOptions,
    private readonly changed: (up: boolean) => void,
  ) {}

  /** Connects if there is no connection; false while it waits before another try. */
  use(): boolean {
    if (!this.session && !this.closed && Date.now() >= this.notBefore) this.open();
    return this.session !== undefined;
  }

  /** Begins a call, after use(). A connection that is still under way sends it when it is there. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const session = this.session!;
    const stream = session.request(headers);
    // A process with nothing else to do may end, but not while it waits for an answer.
    if (this.calls++ === 0) session.ref();
    stream.once('close', () => {
      if (--this.calls === 0) this.session?.unref();
    });
    return stream;
  }

  /** Lets calls under way end, and makes no more connections. */
  close(): void {
    this.closed = true;
    clearTimeout(this.waiting);
    this.session?.close();
  }

  private open(): void {
    const session = this.dial();
    this.session = session;
    if (this.calls > 0) session.ref();
    const tooLong = setTimeout(() => session.destroy(), CONNECT_TIMEOUT_MS);
    let keepalive: NodeJS.Timeout | undefined;
    // Then it is known that the other side speaks HTTP/2 and is awake.
    session.once('remoteSettings', () => {
      clearTimeout(tooLong);
      session.setLocalWindowSize(WINDOW_BYTES);
      keepalive = this.keepAlive(session);
      if (this.calls === 0) session.unref();
      this.failures = 0;
      this.setUp(true);
    });
    const gone = () => {
      clearTimeout(tooLong);
      clearInterval(keepalive);
      if (this.session !== session) return;
      this.session = undefined;
      this.setUp(false);
      this.comeBack();
    };
    // A server that stops says so first; calls under way end, and new ones take a new connection.
    session.once('goaway', gone);
    session.once('close', gone);
    // What went wrong is told to each call, and by 'close'.
    session.on('error', () => undefined);
  }

  private dial(): ClientHttp2Session {
    const { host, port, path, tls } = this.address;
    const settings = { enablePush: false, initialWindowSize: WINDOW_BYTES };
    if (path) {
      return connect('http://localhost', { settings, createConnection: () => connectSocket(path) });
    }
    const secure = tls || this.options.tls;
    const { ca, cert, key, serverName } = this.options.tls ?? {};
    return connect(`${secure ? 'https' : 'http'}://${host}:${port}`, {
      settings,
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
      ...(serverName ? { servername: serverName } : {}),
    });
  }

  /** Backs off, and tries again by itself where there was a connection before: somebody relies on it. */
  private comeBack(): void {
    if (this.closed) return;
    const ceiling = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.failures++);
    const wait = ceiling * (0.5 + Math.random() / 2);
    this.notBefore = Date.now() + wait;
    if (!this.wasUp) return;
    this.waiting = setTimeout(() => void this.use(), wait + 1);
    this.waiting.unref();
  }

  private keepAlive(session: ClientHttp2Session): NodeJS.Timeout {
    return setInterval(() => {
      const dead = setTimeout(() => session.destroy(), keepaliveTimeoutMs(this.options));
      dead.unref();
      if (session.destroyed || !session.ping(() => clearTimeout(dead))) clearTimeout(dead);
    }, this.options.keepaliveMs).unref();
  }

  private setUp(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    this.wasUp ||= up;
    this.changed(up);
  }
}
