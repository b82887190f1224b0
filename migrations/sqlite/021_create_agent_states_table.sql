-- Each agent's present state, and every change of it.
CREATE TABLE IF NOT EXISTS agent_states (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  presence TEXT NOT NULL,
  reason TEXT NULL,
  state TEXT NOT NULL,
  previous_state TEXT NULL,
  since INTEGER NULL,
  version INTEGER NOT NULL,
  duty_since INTEGER NULL,
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS agent_state_history (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  previous_state TEXT NOT NULL,
  previous_state_ms INTEGER NOT NULL,
  reason TEXT NULL,
  source TEXT NOT NULL,
  changed_by TEXT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, version)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS agent_state_history_changed_at ON agent_state_history (changed_at);
