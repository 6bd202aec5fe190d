-- How urgent a message is. Each priority is a range of its own in what is due and in whose turn it is, so that a claim never reads
-- past what waits with another one.
alter table messages add column priority text collate "C" not null default 'normal' check (priority in ('high', 'normal', 'low'));
drop index messages_due;
create index messages_due on messages (priority, next_attempt_at) where next_attempt_at is not null;
drop index messages_shares;
create index messages_shares on messages (priority, share, next_attempt_at) where next_attempt_at is not null;
