-- When a hand-over was first tried: giving up counts from here, not from a send time months ago.
alter table messages add column first_attempt_at timestamptz;

-- Whose turn it is: a credential's mail, told apart by tag, so that a campaign of a million does not starve a password reset.
alter table messages add column share text collate "C" not null
  generated always as (credential_id || '/' || left(coalesce(tag, ''), 100)) stored;
create index messages_shares on messages (share, next_attempt_at) where next_attempt_at is not null;

-- A hold of an operator's that ends by itself.
alter table recipients add column held_until timestamptz;
create index recipients_held_until on recipients (held_until) where held_until is not null;

-- Each endpoint has a queue of its own, so that a dead one is never in the way of another.
drop index webhook_deliveries_due;
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_attempt_at) where state = 'waiting';
create index webhook_deliveries_dead on webhook_deliveries (created_at) where state = 'dead';
alter table webhook_endpoints add column paused_at timestamptz;

-- One row: whether messages go to Postal at all. Paused is an operator's will, blocked is what a worker met at Postal.
create table sending (
  one boolean primary key default true check (one),
  paused_at timestamptz,
  paused_until timestamptz,
  paused_reason text,
  blocked_at timestamptz,
  blocked_problem text,
  blocked_reason text
);
insert into sending default values;

-- For retention: rows come in the order of time, so a block range index is all it needs.
create index messages_age on messages using brin (stored_at);
create index postal_webhooks_age on postal_webhooks using brin (received_at);
create index webhook_deliveries_age on webhook_deliveries using brin (created_at);
