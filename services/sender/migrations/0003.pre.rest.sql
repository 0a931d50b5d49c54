-- Until when a sender posts nothing for a context, and why: KSeF's limits, or KSeF out of order. Told to people
-- who ask; the sender that knows it goes by its own clock.
alter table sender.context
    add column rests_until    timestamptz,
    add column rests_because  text;
