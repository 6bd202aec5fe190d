-- A restore or a promotion begins a new epoch: whatever was received before is looked up at Postal before it is sent.
alter table sending add column epoch_began_at timestamptz;
-- When Postal was last asked whether it has this recipient's copy already.
alter table recipients add column looked_up_at timestamptz;
