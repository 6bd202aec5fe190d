-- From where an API key is taken (CIDR, none means anywhere), and a rate of its own instead of API_RATE_LIMIT.
alter table api_keys
  add column networks text[] not null default '{}',
  add column rate_requests integer check (rate_requests > 0),
  add column rate_period_ms bigint check (rate_period_ms > 0),
  add constraint api_keys_rate_whole check ((rate_requests is null) = (rate_period_ms is null));
