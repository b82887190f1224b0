-- Each agent's present state, and every change of it.
CREATE TABLE IF NOT EXISTS agent_states (
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  presence VARCHAR(16) NOT NULL,
  reason VARCHAR(100) NULL,
  state VARCHAR(16) NOT NULL,
  previous_state VARCHAR(16) NULL,
  since BIGINT NULL,
  version BIGINT NOT NULL,
  duty_since BIGINT NULL,
  PRIMARY KEY (tenant_id, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS agent_state_history (
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  previous_state VARCHAR(16) NOT NULL,
  previous_state_ms BIGINT NOT NULL,
  reason VARCHAR(100) NULL,
  source VARCHAR(16) NOT NULL,
  changed_by VARCHAR(64) NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, version),
  KEY agent_state_history_changed_at (changed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
