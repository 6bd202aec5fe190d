-- One row: the domains that Postal has verified for our mail server, when they were looked at (null before the first look), and when they are next.
create table sender_domains (
  one boolean primary key default true check (one),
  names text[] not null default '{}',
  any_domain boolean not null default false,
  sender_suffices boolean not null default false,
  read_at timestamptz,
  next_at timestamptz not null default now()
);
insert into sender_domains default values;
