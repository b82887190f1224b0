-- Sign-ins. A refresh token names its session and generation; only the present generation is good.
CREATE TABLE IF NOT EXISTS sessions (
  tenant_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  generation BIGINT NOT NULL DEFAULT 0,
  rotated_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT NULL,
  PRIMARY KEY (tenant_id, id),
  KEY sessions_user (tenant_id, user_id),
  KEY sessions_expires_at (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What every server must forget at once: ended sessions (kind session) and changed users (kind user).
CREATE TABLE IF NOT EXISTS revocations (
  id BIGINT NOT NULL AUTO_INCREMENT,
  tenant_id VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  target VARCHAR(64) NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY revocations_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
