-- Calls, agents' parts in them (legs), and their stays in queues (entries). A call is read and written whole, by its id.
CREATE TABLE IF NOT EXISTS calls (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  external_id TEXT NULL,
  client_ref TEXT NULL,
  direction TEXT NOT NULL,
  state TEXT NOT NULL,
  from_number TEXT NOT NULL,
  from_name TEXT NULL,
  to_number TEXT NOT NULL,
  to_name TEXT NULL,
  queue_id TEXT NULL,
  started_at INTEGER NOT NULL,
  answered_at INTEGER NULL,
  ended_at INTEGER NULL,
  reported_at INTEGER NOT NULL,
  waited_ms INTEGER NULL,
  outcome TEXT NULL,
  ended_by TEXT NULL,
  outside TEXT NULL,
  transfers INTEGER NOT NULL,
  disposition TEXT NULL,
  -- JSON: a list, and an object of texts.
  tags TEXT NULL,
  attributes TEXT NULL,
  -- Tells a report that is repeated from another one with the same id.
  body_hash TEXT NOT NULL,
  -- When the caller's personal data was erased.
  erased_at INTEGER NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS calls_started ON calls (tenant_id, started_at, id);
CREATE INDEX IF NOT EXISTS calls_queue ON calls (tenant_id, queue_id, started_at, id);
CREATE INDEX IF NOT EXISTS calls_open ON calls (tenant_id, ended_at, started_at, id);
CREATE INDEX IF NOT EXISTS calls_reported ON calls (reported_at) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS calls_personal ON calls (tenant_id, erased_at, ended_at);

CREATE TABLE IF NOT EXISTS call_legs (
  tenant_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  -- 0, 1, 2 … in the order in which they came.
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  role TEXT NOT NULL,
  queue_id TEXT NULL,
  via TEXT NULL,
  attempt INTEGER NOT NULL,
  offered_at INTEGER NOT NULL,
  answered_at INTEGER NULL,
  ended_at INTEGER NULL,
  missed TEXT NULL,
  hold_count INTEGER NOT NULL,
  held_since INTEGER NULL,
  held_ms INTEGER NOT NULL,
  -- The call's, so that an agent's calls are found in their order. The agent's first leg stands for the call.
  started_at INTEGER NOT NULL,
  -- The call's present or last queue, so that those of a queue are found without looking at each call.
  call_queue_id TEXT NULL,
  PRIMARY KEY (tenant_id, call_id, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS call_legs_user ON call_legs (tenant_id, user_id, attempt, started_at, call_id, call_queue_id);

CREATE TABLE IF NOT EXISTS queue_entries (
  tenant_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  position INTEGER NOT NULL,
  offers INTEGER NOT NULL,
  left_at INTEGER NULL,
  reason TEXT NULL,
  PRIMARY KEY (tenant_id, call_id, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queue_entries_waiting ON queue_entries (tenant_id, queue_id, left_at, joined_at, id);
