-- Each agent's present state, and every change of it.
CREATE TABLE IF NOT EXISTS agent_states (
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  -- What was chosen last, and its author.
  presence VARCHAR(16) NOT NULL,
  reason VARCHAR(100) NULL,
  set_source VARCHAR(16) NOT NULL,
  set_by VARCHAR(64) NULL,
  set_at BIGINT NULL,
  -- JSON: what is in force while a wish waits, what to return to when a connection comes back, the legs worked on.
  in_force TEXT NULL,
  remembered TEXT NULL,
  work TEXT NULL,
  device VARCHAR(16) NOT NULL,
  disconnected_since BIGINT NULL,
  missed_offers INT NOT NULL,
  declined_offers INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  previous_state VARCHAR(16) NULL,
  since BIGINT NULL,
  version BIGINT NOT NULL,
  duty_since BIGINT NULL,
  -- When something happens by itself.
  next_timer BIGINT NULL,
  PRIMARY KEY (tenant_id, user_id),
  KEY agent_states_next_timer (next_timer),
  KEY agent_states_state (tenant_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS agent_state_history (
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  previous_state VARCHAR(16) NOT NULL,
  previous_state_ms BIGINT NOT NULL,
  -- What was chosen, under whatever work.
  presence VARCHAR(16) NOT NULL,
  reason VARCHAR(100) NULL,
  source VARCHAR(16) NOT NULL,
  changed_by VARCHAR(64) NULL,
  call_id VARCHAR(64) NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, version),
  KEY agent_state_history_changed_at (changed_at),
  KEY agent_state_history_of_agent (tenant_id, user_id, changed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
