// The way in: checks the options and starts a client.

import { Client } from './client.js';
import { complete } from './options.js';

/** Connects, and stays connected until `close()` or until the server says that there is no coming back. */
export function connect(options = {}) {
  return new Client(complete(options));
}
