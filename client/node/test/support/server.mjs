// A real server over an embedded PostgreSQL of its own. SERVER_UNDER_TEST is the program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Server {
  static async start(flags = []) {
    const sandbox = mkdtempSync(join(tmpdir(), 'aquifer-node-'));
    // PostgreSQL's own account must be able to enter.
    chmodSync(sandbox, 0o755);
    const server = new Server(sandbox, flags);
    await server.#spawn(0);
    return server;
  }

  constructor(sandbox, flags) {
    this.sandbox = sandbox;
    this.flags = flags;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /** The same server over its Unix socket. */
  get socketAddress() {
    return `unix:${join(this.sandbox, 'socket')}`;
  }

  async #spawn(port) {
    const environment = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(AQUIFER_|PG|DATABASE_URL)/.test(name)),
    );
    this.process = spawn(
      process.env.SERVER_UNDER_TEST,
      [
        'serve',
        '--port',
        String(port),
        '--socket',
        join(this.sandbox, 'socket'),
        '--data-dir',
        join(this.sandbox, 'data'),
        '--shutdown-notice-ms',
        '0',
        ...this.flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: environment },
    );
    let log = '';
    this.process.stderr.on('data', (text) => {
      log = (log + text).slice(-4000);
    });
    for await (const line of createInterface({ input: this.process.stdout })) {
      const match = /^serving on \S*:(\d+)/.exec(line);
      if (match) this.port = Number(match[1]);
      if (line.startsWith('Press Ctrl-C')) {
        // What it prints from here on is nobody's business, but must not fill the pipe.
        this.process.stdout.resume();
        return;
      }
    }
    throw new Error(`the server did not start: ${log}`);
  }

  /** As a crash or an unplugged machine ends it. */
  async kill() {
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  /** Starts again over the same data, on the same port. */
  startAgain() {
    return this.#spawn(this.port);
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    }
    rmSync(this.sandbox, { recursive: true, force: true });
  }
}
