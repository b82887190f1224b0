// What the client offers, for TypeScript. Written by hand; `test/types.ts` is checked against it.

/** An event of the tenant. `seq` is missing on the few that are not kept, such as `user.online`. */
export interface CallcenterEvent<Payload = Record<string, unknown>> {
  type: string;
  payload: Payload & { tenant_id: string };
  id: string;
  seq?: number;
  /** Unix seconds. */
  timestamp: number;
}

/** Who is connected, and where the log ends. */
export interface Ready {
  connection_id: string;
  /** Null for an API key. */
  user_id: string | null;
  tenant_id: string;
  role: 'admin' | 'supervisor' | 'agent' | 'service' | (string & {});
  seq: number;
  epoch: string;
}

/** The log no longer holds what was missed: what is on the screen must be loaded anew. */
export interface Reset {
  oldest_seq: number;
  seq: number;
  epoch: string;
}

export type State = 'connecting' | 'live' | 'waiting' | 'closed';

/** Why the client has stopped for good. */
export type ClosedBecause =
  /** `close()` was called. */
  | 'closed'
  /** The token provider gave null. */
  | 'signed_out'
  /** The server takes neither the token nor a renewed one. */
  | 'unauthorized'
  /** An admin closed the connection, the user was deactivated, or may not listen. */
  | 'forbidden'
  /** The server refuses the call as such: is `url` right? */
  | 'refused';

export interface StateChange {
  state: State;
  /** With `live`. */
  connection?: Ready;
  /** With `waiting`: how long until the next try. */
  delayMs?: number;
  /** With `closed`. */
  why?: ClosedBecause;
  /** With `waiting` and `closed`: the close code and reason, if the server gave one. */
  code?: number;
  reason?: string;
  /** With `waiting` and `closed`: what failed, if something did. */
  error?: Error;
  /** With `waiting`: only a new snapshot is loaded. */
  isReset?: boolean;
}

/** The server does not accept a message, such as a subscription to an event that it does not know. */
export interface Rejected extends Error {
  name: 'Rejected';
  code: string;
}

/** What the client needs of a WebSocket: that of browsers, or the package `ws`. */
export type WebSocketConstructor = new (url: URL, settings?: any) => {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number): void;
};

/** Gives an access token. With `renew` the last one has ended or is about to. Null says that nobody is signed in. */
export type TokenProvider = (question: { renew: boolean }) => Promise<string | null> | string | null;

interface CommonOptions {
  /** The server's address, `https://…`; in a page its own origin if left out. */
  url?: string | URL;
  /** Names, prefixes such as `call.*`, or `*`: what is wanted of all that the user may see. */
  events?: string | readonly string[];
  /**
   * Loads the state that the events change, and gives the log position that it is true for: `meta.seq`. Called at the
   * beginning and after a reset; the events go on right behind it. `token` is one that the server has just taken.
   */
  snapshot?: (pass: { token: string }) => Promise<number> | number;
  /** Go on behind this event, kept from `client.seq`, with `epoch` from `client.epoch`. 0 is the whole log. */
  since?: number;
  epoch?: string;
  /** Quiet for so long, the server is asked whether it lives: 25,000. */
  heartbeatMs?: number;
  /** How long the server's answers may take: 10,000. */
  timeoutMs?: number;
  /** How long `token` and `snapshot` may take: 60,000. */
  patienceMs?: number;
  /** The longest pause before the first try to come back, 1,000; doubled each time, up to `maxDelayMs`, 30,000. */
  minDelayMs?: number;
  maxDelayMs?: number;
  /** In place of the platform's own. */
  WebSocket?: WebSocketConstructor;
  fetch?: typeof fetch;
}

export type Options = CommonOptions &
  (
    | { /** An access token, or better a function that gives one. */ token: string | TokenProvider; apiKey?: undefined }
    | { /** For programs, in Node. */ apiKey: string; token?: undefined }
  );

export interface Client {
  readonly state: State;
  /** The last event that was shown or passed over; undefined before the first connection. */
  readonly seq: number | undefined;
  readonly epoch: string | undefined;

  /** Calls the handler for each event of that name, prefix (`call.*`) or at all (`*`); the result takes it away again. */
  on(event: 'connection.ready', handler: (frame: { type: string; payload: Ready }) => unknown): () => void;
  on(event: 'connection.reset', handler: (frame: { type: string; payload: Reset }) => unknown): () => void;
  on(event: 'auth.refreshed', handler: (frame: { type: string; payload: { expires_at: string } }) => unknown): () => void;
  on<Payload = Record<string, any>>(event: string, handler: (event: CallcenterEvent<Payload>) => unknown): () => void;
  onState(handler: (change: StateChange) => unknown): () => void;
  /** What handlers, `token` and `snapshot` throw, and what the server rejects. Without a handler it is on the console. */
  onError(handler: (error: Error | Rejected) => unknown): () => void;

  /** The first call replaces the default, everything; later ones add. Gives what now holds. */
  subscribe(events: string | readonly string[]): Promise<string[]>;
  unsubscribe(events: string | readonly string[]): Promise<string[]>;
  close(): void;
}

/** Connects, and stays connected until `close()` or until the server says that there is no coming back. */
export function connect(options: Options): Client;
