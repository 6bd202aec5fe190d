-- How many messages an SMTP user sent on the latest UTC day it sent any: what its daily limit counts.
alter table smtp_credentials
  add column sent_day date,
  add column sent_messages integer not null default 0;
