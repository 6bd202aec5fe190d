-- What a client called its message, with everything it sent under that name. The first row of a name is what two batches at once
-- meet on, so that neither misses the other: the same octets again are the same message, others are pointed out.
create table submission_names (
  -- Credential and Message-ID or X-Idempotency-Key.
  name text collate "C" not null,
  place integer not null,
  digest bytea not null,
  message_id text collate "C" not null,
  received_at timestamptz not null,
  -- A name stays as long as a relay may hand its message over late or once more, so its age is that of the row.
  recorded_at timestamptz not null default now(),
  primary key (name, place)
);
insert into submission_names (name, place, digest, message_id, received_at, recorded_at)
select credential_id || ' ' || key,
  row_number() over (partition by credential_id, key order by received_at, message_id) - 1,
  digest, message_id, received_at, recorded_at
from submission_digests;
drop table submission_digests;
create index submission_names_age on submission_names using brin (recorded_at);

-- Recipients and events are stored with their message in one statement; looking each message up again for them was half of the
-- cost of taking mail in. They still go with it.
alter table recipients drop constraint recipients_message_id_fkey;
alter table events drop constraint events_message_id_fkey;
create function remove_with_messages() returns trigger language plpgsql as $$
begin
  delete from recipients using gone where recipients.message_id = gone.id;
  delete from events using gone where events.message_id = gone.id;
  return null;
end
$$;
create trigger messages_removed after delete on messages
  referencing old table as gone for each statement execute function remove_with_messages();
