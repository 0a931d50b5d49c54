-- How far sending has got, to be compared with what is kept outside the database; and what must be looked up
-- at KSeF before anything more is sent, because this database is older than what KSeF was sent.
alter table sender.context
    add column claims         bigint not null default 0,
    add column claimed_at     timestamptz,
    add column recover_since  timestamptz;
comment on column sender.context.recover_since is 'not null: sessions opened since then are still to be listed';

-- A session that recovery found at KSeF, or that was not ended when the copy was made: its list is read whole.
alter table sender.session add column recovered boolean not null default false;
create index session_reference on sender.session (context_key, reference);

-- What the lists of recovered sessions hold. A document with these bytes is adopted, not posted.
create table sender.found (
    found_at           timestamptz not null default now(),
    found_id           bigint      generated always as identity,
    context_key        text        not null,
    invoice_hash       text        not null,
    session_reference  text        not null,
    invoice_reference  text        not null,
    status_code        integer     not null,
    adopted_at         timestamptz,
    primary key (found_at, found_id)
) partition by range (found_at);
create index submission_bytes on sender.submission (context_key, invoice_hash) where state = 'ready';
create index found_open on sender.found (context_key, invoice_hash) where adopted_at is null;

-- What people have stopped: 'all', 'context:Nip:5265877635', 'company:5265877635'.
create table sender.pause (
    scope      text        primary key,
    paused_at  timestamptz not null default now(),
    paused_by  text        not null,
    reason     text
);
comment on table sender.pause is 'identity: one row per stop by a person';

-- What may be sent: nothing of a context that recovery is still looking up, nothing that a person has stopped,
-- nothing that recovery found at KSeF already.
create view sender.sendable as
select s.accepted_at, s.document_id, s.context_key, s.next_at, s.traceparent
from sender.submission s
where s.state = 'ready'
    and not exists (
        select 1 from sender.pause p
        where p.scope in ('all', 'context:' || s.context_key, 'company:' || (s.document->>'company_nip')))
    and not exists (
        select 1 from sender.context c where c.key = s.context_key and c.recover_since is not null)
    and not exists (
        select 1 from sender.session r
        where r.context_key = s.context_key and r.recovered and r.state not in ('final', 'void'))
    and not exists (
        select 1 from sender.found f
        where f.context_key = s.context_key and f.invoice_hash = s.invoice_hash and f.adopted_at is null);
