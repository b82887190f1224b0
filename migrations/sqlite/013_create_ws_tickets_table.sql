-- Tickets that open one WebSocket each, within seconds of being asked for. Kept as hashes.
CREATE TABLE IF NOT EXISTS ws_tickets (
  tenant_id TEXT NOT NULL,
  ticket_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  session_until INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, ticket_hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ws_tickets_expires_at ON ws_tickets (expires_at);
