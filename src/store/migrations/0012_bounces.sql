-- Bounces whose report is still to be read at Postal; AMS hears of the bounce when it was, or when that takes too long.
create table bounce_reports (
  event_id text collate "C" primary key references events on delete cascade,
  -- Of the message that came back.
  postal_id bigint not null,
  first_attempt_at timestamptz not null default now(),
  next_attempt_at timestamptz not null default now(),
  attempts integer not null default 0
);
create index bounce_reports_due on bounce_reports (next_attempt_at);

-- Mail that Postal's routes hand to us, such as complaints; the worker works out what it means.
create table inbound_mail (
  -- Made of the octets of the request, so that Postal may send it again.
  id uuid primary key,
  received_at timestamptz not null default now(),
  rcpt_to text not null,
  mail_from text not null,
  raw bytea not null,
  state text not null default 'new' check (state in ('new', 'done', 'quarantined')),
  reason text,
  next_look_at timestamptz not null default now()
);
alter table inbound_mail alter column raw set storage external;
create index inbound_mail_new on inbound_mail (next_look_at) where state = 'new';
create index inbound_mail_quarantined on inbound_mail (received_at) where state = 'quarantined';
create index inbound_mail_rcpt_to on inbound_mail (rcpt_to, received_at);
create index inbound_mail_age on inbound_mail using brin (received_at);
