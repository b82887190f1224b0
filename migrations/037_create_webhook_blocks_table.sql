-- Where a server's deliveries are: the blocks of 256 ids in which webhook_logs may have rows with that sender. Written with
-- the rows, and removed once none is left.
CREATE TABLE IF NOT EXISTS webhook_blocks (
  server_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  first_id BIGINT NOT NULL,
  PRIMARY KEY (server_id, tenant_id, first_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
