-- How many WebSockets a user has to a server; those of programs stand under the user ''. A row whose last connection has
-- ended (gone_at) counts for a few seconds more, so that a page reload shows nothing.
CREATE TABLE IF NOT EXISTS user_connections (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  server_id TEXT NOT NULL,
  connections INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  gone_at INTEGER NULL,
  gone_because TEXT NULL,
  PRIMARY KEY (tenant_id, user_id, server_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_connections_server ON user_connections (server_id);
CREATE INDEX IF NOT EXISTS user_connections_gone_at ON user_connections (gone_at);

-- Each WebSocket, for the lists of several servers. Unused here, where there is one server.
CREATE TABLE IF NOT EXISTS ws_connections (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  server_id TEXT NOT NULL,
  user_id TEXT NULL,
  connected_at INTEGER NOT NULL,
  remote_addr TEXT NOT NULL,
  user_agent TEXT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ws_connections_server ON ws_connections (server_id);
