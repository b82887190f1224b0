-- Calls, agents' parts in them (legs), and their stays in queues (entries). A call is read and written whole, by its id.
CREATE TABLE IF NOT EXISTS calls (
  tenant_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  external_id VARCHAR(200) NULL,
  client_ref VARCHAR(200) NULL,
  direction VARCHAR(16) NOT NULL,
  state VARCHAR(16) NOT NULL,
  from_number VARCHAR(64) NOT NULL,
  from_name VARCHAR(200) NULL,
  to_number VARCHAR(64) NOT NULL,
  to_name VARCHAR(200) NULL,
  queue_id VARCHAR(64) NULL,
  started_at BIGINT NOT NULL,
  answered_at BIGINT NULL,
  ended_at BIGINT NULL,
  reported_at BIGINT NOT NULL,
  waited_ms BIGINT NULL,
  outcome VARCHAR(16) NULL,
  ended_by VARCHAR(16) NULL,
  outside VARCHAR(64) NULL,
  transfers BIGINT NOT NULL,
  disposition VARCHAR(100) NULL,
  -- JSON: a list, and an object of texts.
  tags TEXT NULL,
  attributes MEDIUMTEXT NULL,
  -- Tells a report that is repeated from another one with the same id.
  body_hash VARCHAR(64) NOT NULL,
  -- When the caller's personal data was erased.
  erased_at BIGINT NULL,
  PRIMARY KEY (tenant_id, id),
  KEY calls_started (tenant_id, started_at, id),
  KEY calls_queue (tenant_id, queue_id, started_at, id),
  KEY calls_open (tenant_id, ended_at, started_at, id),
  KEY calls_reported (ended_at, reported_at),
  KEY calls_personal (tenant_id, erased_at, ended_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS call_legs (
  tenant_id VARCHAR(64) NOT NULL,
  call_id VARCHAR(64) NOT NULL,
  -- 0, 1, 2 … in the order in which they came.
  number BIGINT NOT NULL,
  id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  role VARCHAR(16) NOT NULL,
  queue_id VARCHAR(64) NULL,
  via VARCHAR(16) NULL,
  attempt BIGINT NOT NULL,
  offered_at BIGINT NOT NULL,
  answered_at BIGINT NULL,
  ended_at BIGINT NULL,
  missed VARCHAR(32) NULL,
  hold_count BIGINT NOT NULL,
  held_since BIGINT NULL,
  held_ms BIGINT NOT NULL,
  -- The call's, so that an agent's calls are found in their order. The agent's first leg stands for the call.
  started_at BIGINT NOT NULL,
  -- The call's present or last queue, so that those of a queue are found without looking at each call.
  call_queue_id VARCHAR(64) NULL,
  PRIMARY KEY (tenant_id, call_id, number),
  KEY call_legs_user (tenant_id, user_id, attempt, started_at, call_id, call_queue_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS queue_entries (
  tenant_id VARCHAR(64) NOT NULL,
  call_id VARCHAR(64) NOT NULL,
  number BIGINT NOT NULL,
  id VARCHAR(64) NOT NULL,
  queue_id VARCHAR(64) NOT NULL,
  joined_at BIGINT NOT NULL,
  position BIGINT NOT NULL,
  offers BIGINT NOT NULL,
  left_at BIGINT NULL,
  reason VARCHAR(16) NULL,
  PRIMARY KEY (tenant_id, call_id, number),
  KEY queue_entries_waiting (tenant_id, queue_id, left_at, joined_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
