-- When a secret is refused, or signs no more: it is written down with the secret, so that what is made anew under the same name has no end.
alter table smtp_credentials
  add column password_expires_at timestamptz,
  add column previous_expires_at timestamptz;
alter table webhook_endpoints
  add column secret_expires_at timestamptz,
  add column previous_expires_at timestamptz;

-- What rotations have given so far.
update smtp_credentials c set password_expires_at = k.expires_at
from keys k where k.kind = 'smtp' and k.name = c.username and k.state = 'active' and k.created_at >= c.created_at;
update webhook_endpoints e set secret_expires_at = k.expires_at
from keys k where k.kind = 'webhook-secret' and k.name = e.id and k.state = 'active' and k.created_at >= e.created_at;
