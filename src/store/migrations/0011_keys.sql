-- One row a key of any kind; its secret is not here. What a rotation has done so far is its state, so that running it again goes on.
create table keys (
  id text collate "C" primary key,
  kind text not null,
  name text not null,
  -- What others call it: an id, a role, a fingerprint. Never the secret.
  handle text not null,
  state text not null check (state in ('pending', 'active', 'retiring', 'retired')),
  created_at timestamptz not null default now(),
  activated_at timestamptz,
  retiring_at timestamptz,
  overlap_ends_at timestamptz,
  retired_at timestamptz,
  expires_at timestamptz,
  last_used_at timestamptz,
  reason text not null default '',
  changed_by text not null
);
-- Never two keys of a subject in one state but the last.
create unique index keys_one_a_state on keys (kind, name, state) where state <> 'retired';

-- When a shared secret was last presented, by its fingerprint: the evidence that an old one is not used any more.
create table secret_uses (
  fingerprint text primary key,
  last_used_at timestamptz not null
);

-- Which secrets a running process holds, by fingerprint: the evidence that a new one has arrived.
create table secret_holders (
  holder text not null,
  variable text not null,
  fingerprint text not null,
  at timestamptz not null default now(),
  primary key (holder, variable)
);

-- A second password of an SMTP user, valid during a rotation.
alter table smtp_credentials
  add column previous_password_hash text,
  add column previous_used_at timestamptz;
