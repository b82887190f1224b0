-- Keys of programs. Only a hash of each is kept. scopes is a JSON list.
CREATE TABLE IF NOT EXISTS api_keys (
  tenant_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  name VARCHAR(200) NOT NULL,
  key_hash VARCHAR(64) NOT NULL,
  scopes TEXT NOT NULL,
  created_by VARCHAR(64) NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE KEY api_keys_key_hash (key_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
