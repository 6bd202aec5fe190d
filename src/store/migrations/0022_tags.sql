-- A campaign's messages, newest first: found among millions of others without looking at those.
create index messages_tag on messages (tag, id) where tag is not null;
