-- Whether Postal gets this message with a one-click link for each recipient (RFC 8058), and what the link ends: all mail, or that with the tag.
alter table messages add column unsubscribe text check (unsubscribe in ('all', 'tag'));
