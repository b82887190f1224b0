-- Queues, who serves them, and their numbers by day.
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

-- Sums over the entries and legs that ended on a day of the tenant's, counted from 1970-01-01.
CREATE TABLE IF NOT EXISTS queue_days (
  tenant_id VARCHAR(64) NOT NULL,
  queue_id VARCHAR(64) NOT NULL,
  day BIGINT NOT NULL,
  offered BIGINT NOT NULL,
  answered BIGINT NOT NULL,
  answered_in_time BIGINT NOT NULL,
  abandoned BIGINT NOT NULL,
  short_abandoned BIGINT NOT NULL,
  timed_out BIGINT NOT NULL,
  answered_wait_ms BIGINT NOT NULL,
  abandoned_wait_ms BIGINT NOT NULL,
  max_wait_ms BIGINT NOT NULL,
  handled BIGINT NOT NULL,
  talk_ms BIGINT NOT NULL,
  hold_ms BIGINT NOT NULL,
  wrap_up_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, queue_id, day),
  KEY queue_days_day (day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
