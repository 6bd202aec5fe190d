-- A disabled user whose mail is held: also what a relay accepted before and hands over later.
alter table smtp_credentials add column holds_mail boolean not null default false;
