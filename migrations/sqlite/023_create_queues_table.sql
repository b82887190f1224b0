-- Queues, and who serves them.
CREATE TABLE IF NOT EXISTS queues (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  external_name TEXT NULL,
  threshold_seconds INTEGER NOT NULL,
  target_percent INTEGER NOT NULL,
  short_abandon_seconds INTEGER NULL,
  wrap_up_seconds INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS queue_members (
  tenant_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  since INTEGER NOT NULL,
  paused_since INTEGER NULL,
  pause_reason TEXT NULL,
  PRIMARY KEY (tenant_id, queue_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queue_members_user ON queue_members (tenant_id, user_id);
