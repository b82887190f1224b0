-- Publishing calls that were answered, so that a repeat gets the same answer. event_ids is a JSON list; the events' numbers
-- begin with first_seq.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  tenant_id VARCHAR(64) NOT NULL,
  credential VARCHAR(64) NOT NULL,
  idempotency_key VARCHAR(255) NOT NULL,
  body_hash VARCHAR(64) NOT NULL,
  event_ids TEXT NOT NULL,
  first_seq BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, credential, idempotency_key),
  KEY idempotency_keys_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
