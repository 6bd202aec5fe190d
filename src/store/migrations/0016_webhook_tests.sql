-- A delivery without an event is a test of its endpoint: it is tried once.
alter table webhook_deliveries alter column event_id drop not null;
