-- Running server processes. One whose lease is over is dead: others take over what it owned.
CREATE TABLE IF NOT EXISTS servers (
  id VARCHAR(64) NOT NULL,
  started_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY servers_lease_until (lease_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
