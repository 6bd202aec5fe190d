-- An event that no webhook told: the row of Postal's that it was made from. It gives way to its webhook.
alter table events add column derived_from text;
create index events_derived on events (message_id) where derived_from is not null;

-- One row: how far Postal's databases have been compared, by Postal's clock, and when they are next.
create table reconciliation (
  one boolean primary key default true check (one),
  compared_until timestamptz,
  next_at timestamptz not null default now()
);
insert into reconciliation default values;
