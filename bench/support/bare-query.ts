/** The statement behind `GET /users/me`, without the check of the session. */
export const BARE_QUERY = `SELECT id, email, full_name, phone, avatar_url, is_owner, is_active, role, metadata, created_at, updated_at
  FROM users WHERE id = $1`
