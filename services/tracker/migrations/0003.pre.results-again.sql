-- What it takes to publish a result again exactly as it was: the trace it came with, and the company as the
-- step named it (another revision's bytes may name another one). The receipt's claim check stays in status.
alter table tracker.event
    add column traceparent  text,
    add column company_nip  text;
comment on column tracker.event.status is 'the message as it came, without its document; a receipt as its claim check';
