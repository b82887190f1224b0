-- Queues, and who serves them.
CREATE TABLE IF NOT EXISTS queues (
  tenant_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  name VARCHAR(100) NOT NULL,
  channel VARCHAR(16) NOT NULL,
  external_name VARCHAR(100) NULL,
  threshold_seconds INT NOT NULL,
  target_percent INT NOT NULL,
  short_abandon_seconds INT NULL,
  wrap_up_seconds INT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE KEY queues_name (tenant_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS queue_members (
  tenant_id VARCHAR(64) NOT NULL,
  queue_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  since BIGINT NOT NULL,
  paused_since BIGINT NULL,
  pause_reason VARCHAR(100) NULL,
  PRIMARY KEY (tenant_id, queue_id, user_id),
  KEY queue_members_user (tenant_id, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
