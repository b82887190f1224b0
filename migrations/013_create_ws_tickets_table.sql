-- Tickets that open one WebSocket each, within seconds of being asked for. Kept as hashes.
CREATE TABLE IF NOT EXISTS ws_tickets (
  tenant_id VARCHAR(64) NOT NULL,
  ticket_hash CHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  session_id VARCHAR(64) NOT NULL,
  session_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, ticket_hash),
  KEY ws_tickets_expires_at (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
