-- Who came online and who went, as whichever server found out, for every server to tell its own listeners. Kept for an hour.
CREATE TABLE IF NOT EXISTS presence_edges (
  id BIGINT NOT NULL AUTO_INCREMENT,
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  event_id VARCHAR(64) NOT NULL,
  found_at BIGINT NOT NULL,
  -- Online with so many connections; NULL is offline, and the next two tell since when and why.
  connections BIGINT NULL,
  last_seen_at BIGINT NULL,
  reason VARCHAR(16) NULL,
  written_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY presence_edges_written_at (written_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
