-- A message is its own queue entry: next_attempt_at says when a worker may take it, null that nothing is left to hand over.
-- A claim moves next_attempt_at behind the end of its lease, so that one index finds both what is due and what a dead worker left.
create table messages (
  id text collate "C" primary key,
  received_at timestamptz not null,
  stored_at timestamptz not null default now(),
  source text not null check (source in ('smtp', 'http')),
  credential_id text not null,
  client jsonb not null default '{}',
  mail_from text not null,
  header_message_id text,
  subject text,
  tag text,
  metadata jsonb not null default '{}',
  size_bytes integer not null,
  body_day date not null,
  -- Handed to Postal as the local part of mail_from: indexed there, never on the wire, echoed by every webhook.
  postal_key text collate "C" not null unique,
  next_attempt_at timestamptz,
  lease_until timestamptz,
  attempt_id text,
  attempts integer not null default 0
);
create index messages_due on messages (next_attempt_at) where next_attempt_at is not null;
create index messages_header_message_id on messages (header_message_id) where header_message_id is not null;

create table recipients (
  message_id text collate "C" not null references messages on delete cascade,
  position integer not null,
  address text not null,
  state text not null default 'queued',
  attempt_id text,
  postal_id bigint,
  postal_token text,
  detail text,
  opens integer not null default 0,
  clicks integer not null default 0,
  changed_at timestamptz not null default now(),
  primary key (message_id, position)
);
create index recipients_address on recipients (address, message_id);
create index recipients_not_final on recipients (state)
  where state in ('scheduled', 'queued', 'sending', 'uncertain', 'accepted', 'delayed', 'held');

-- Bodies leave by dropping a day; a row of a day without a partition still has a place.
create table bodies (
  message_id text collate "C" not null,
  day date not null,
  raw bytea not null,
  primary key (message_id, day)
) partition by range (day);
alter table bodies alter column raw set storage external;
create table bodies_rest partition of bodies default;

-- What happened to a message or one of its recipients. The state of a recipient is a fold over these.
create table events (
  id text collate "C" primary key,
  message_id text collate "C" not null references messages on delete cascade,
  recipient text,
  kind text not null,
  at timestamptz not null,
  recorded_at timestamptz not null default now(),
  postal_uuid uuid unique,
  detail jsonb not null default '{}'
);
create index events_message on events (message_id, at);

-- Postal's webhooks exactly as they came; the worker works out what they mean.
create table postal_webhooks (
  uuid uuid primary key,
  received_at timestamptz not null default now(),
  event text not null,
  body bytea not null,
  state text not null default 'new' check (state in ('new', 'done', 'quarantined')),
  reason text,
  attempts integer not null default 0
);
create index postal_webhooks_new on postal_webhooks (received_at) where state = 'new';
create index postal_webhooks_quarantined on postal_webhooks (received_at) where state = 'quarantined';

create table api_keys (
  id text collate "C" primary key,
  name text not null,
  secret_sha256 bytea not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

create table smtp_credentials (
  id text collate "C" primary key,
  username text not null unique,
  password_hash text not null,
  sender_domains text[] not null default '{}',
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  last_used_at timestamptz
);

create table idempotency_keys (
  credential_id text not null,
  key text not null,
  request_sha256 bytea not null,
  created_at timestamptz not null default now(),
  -- Null while the first request is still being answered.
  status integer,
  response jsonb,
  primary key (credential_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

create table webhook_endpoints (
  id text collate "C" primary key,
  url text not null,
  -- Sealed with WEBHOOK_SEALING_KEY. During a rotation the previous secret signs too.
  sealed_secret bytea not null,
  sealed_previous_secret bytea,
  events text[] not null default '{}',
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  disabled_reason text
);

create table webhook_deliveries (
  id text collate "C" primary key,
  endpoint_id text collate "C" not null references webhook_endpoints on delete cascade,
  event_id text collate "C" not null references events on delete cascade,
  body text not null,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
  next_attempt_at timestamptz default now(),
  attempts integer not null default 0,
  last_status integer,
  last_error text,
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  unique (endpoint_id, event_id)
);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where state = 'waiting';
