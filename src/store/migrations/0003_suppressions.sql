-- Addresses that get no mail. An empty scope means none at all, otherwise none with that tag.
create table suppressions (
  address text collate "C" not null check (address = lower(address)),
  scope text collate "C" not null default '',
  reason text not null check (reason in ('bounce', 'complaint', 'unsubscribe', 'manual')),
  -- What it rests on: a remote server's reply, an event, a note of the operator.
  evidence text,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  primary key (address, scope)
);
create index suppressions_expiry on suppressions (expires_at) where expires_at is not null;
