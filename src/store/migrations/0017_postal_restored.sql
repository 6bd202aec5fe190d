-- When Postal itself was last put back to an earlier state: of mail received before, that it does not have proves nothing.
alter table sending add column postal_restored_at timestamptz;
