-- From where an SMTP user may log in (CIDR, none means anywhere), and how much it may send.
alter table smtp_credentials
  add column networks text[] not null default '{}',
  add column rate_messages integer check (rate_messages > 0),
  add column rate_period_ms bigint check (rate_period_ms > 0),
  add column daily_limit integer check (daily_limit > 0),
  add constraint smtp_credentials_rate_whole check ((rate_messages is null) = (rate_period_ms is null));
