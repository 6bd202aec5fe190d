-- What Postal never took and an operator may try again: the queue is listed, and tried again, without looking at all that is stored.
create index recipients_never_taken on recipients (message_id) where state = 'failed' and postal_id is null;
