-- What a client called the message, so that the same name on another one can be pointed out. A digest stays as long as a relay may
-- hand its message over late or once more, so its age is that of the row.
alter table submission_digests
  add column credential_id text collate "C" not null default '',
  add column key text collate "C" not null default '',
  add column recorded_at timestamptz not null default now();
create index submission_digests_key on submission_digests (credential_id, key, received_at);
drop index submission_digests_age;
create index submission_digests_age on submission_digests (recorded_at);
