-- What a client named and sent, as a digest: the same again within DEDUPE_WINDOW is the same message.
create table submission_digests (
  digest bytea primary key,
  message_id text collate "C" not null,
  received_at timestamptz not null
);
create index submission_digests_age on submission_digests (received_at);

-- Ids given to a message that was sent again; both ids lead to the first.
create table message_aliases (
  alias text collate "C" primary key,
  message_id text collate "C" not null references messages on delete cascade
);
create index message_aliases_message on message_aliases (message_id);
