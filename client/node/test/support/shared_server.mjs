// One server for all test files of a process that need no empty one.
import { after } from 'node:test';

import { Server } from './server.mjs';

let starting;

/** To be called where a test file begins. */
export function sharedServer() {
  if (!starting) {
    starting = Server.start();
    after(async () => (await starting).stop());
  }
  return starting;
}
