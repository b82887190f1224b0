-- How many WebSockets a user has to a server; those of programs stand under the user ''. A row whose last connection has
-- ended (gone_at) counts for a few seconds more, so that a page reload shows nothing.
CREATE TABLE IF NOT EXISTS user_connections (
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  server_id VARCHAR(64) NOT NULL,
  connections BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  gone_at BIGINT NULL,
  gone_because VARCHAR(16) NULL,
  PRIMARY KEY (tenant_id, user_id, server_id),
  KEY user_connections_server (server_id),
  KEY user_connections_gone_at (gone_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Each WebSocket, for the lists of several servers.
CREATE TABLE IF NOT EXISTS ws_connections (
  tenant_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  server_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NULL,
  connected_at BIGINT NOT NULL,
  remote_addr VARCHAR(64) NOT NULL,
  user_agent VARCHAR(300) NULL,
  PRIMARY KEY (tenant_id, id),
  KEY ws_connections_server (server_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
