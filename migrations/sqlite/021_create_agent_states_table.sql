-- Each agent's present state, and every change of it.
CREATE TABLE IF NOT EXISTS agent_states (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  -- What was chosen last, and its author.
  presence TEXT NOT NULL,
  reason TEXT NULL,
  set_source TEXT NOT NULL,
  set_by TEXT NULL,
  set_at INTEGER NULL,
  -- JSON: what is in force while a wish waits, what to return to when a connection comes back, the legs worked on.
  in_force TEXT NULL,
  remembered TEXT NULL,
  work TEXT NULL,
  device TEXT NOT NULL,
  disconnected_since INTEGER NULL,
  missed_offers INTEGER NOT NULL,
  declined_offers INTEGER NOT NULL,
  state TEXT NOT NULL,
  previous_state TEXT NULL,
  since INTEGER NULL,
  version INTEGER NOT NULL,
  duty_since INTEGER NULL,
  -- When something happens by itself.
  next_timer INTEGER NULL,
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS agent_states_next_timer ON agent_states (next_timer) WHERE next_timer IS NOT NULL;
CREATE INDEX IF NOT EXISTS agent_states_state ON agent_states (tenant_id, state);

CREATE TABLE IF NOT EXISTS agent_state_history (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  previous_state TEXT NOT NULL,
  previous_state_ms INTEGER NOT NULL,
  -- What was chosen, under whatever work.
  presence TEXT NOT NULL,
  reason TEXT NULL,
  source TEXT NOT NULL,
  changed_by TEXT NULL,
  call_id TEXT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, version)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS agent_state_history_changed_at ON agent_state_history (changed_at);
CREATE INDEX IF NOT EXISTS agent_state_history_of_agent ON agent_state_history (tenant_id, user_id, changed_at);
