-- The event log: per tenant 1, 2, 3 … without a gap. The payload is text, so that it stays as it was written.
CREATE TABLE IF NOT EXISTS events (
  tenant_id VARCHAR(64) NOT NULL,
  seq BIGINT NOT NULL,
  id VARCHAR(64) NOT NULL,
  event VARCHAR(100) NOT NULL,
  subject VARCHAR(200) NULL,
  audience MEDIUMTEXT NULL,
  payload MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
