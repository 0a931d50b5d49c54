create schema validator;

-- One verdict per document, given once. Waiting is the only one that may still change.
create table validator.document (
    accepted_at   timestamptz not null,
    document_id   uuid        not null,
    verdict       text        not null check (verdict in ('admitted', 'waiting', 'refused')),
    seller_nip    text,
    kind          text,
    number        text,
    content_hash  bytea,
    waits_for     uuid,
    pending       jsonb,                  -- of a waiting one: what will be published if it is admitted
    traceparent   text,
    decided_at    timestamptz not null default now(),
    primary key (accepted_at, document_id)
) partition by range (accepted_at);
create index document_waiting on validator.document (seller_nip, kind, number) where verdict = 'waiting';

-- KSeF's own idea of a duplicate, over all sources and for ten years.
create table validator.fingerprint (
    seller_nip    text        not null,
    kind          text        not null,
    number        text        not null,
    state         text        not null check (state in ('held', 'issued', 'free')),
    document_id   uuid        not null,   -- who holds it, issued it, or held it last
    content_hash  bytea       not null,
    ksef_number   text,
    changed_at    timestamptz not null default now(),
    primary key (seller_nip, kind, number)
);
create index fingerprint_document on validator.fingerprint (document_id);
comment on table validator.fingerprint is 'identity: a number is unique over all months';

create table validator.outbox (
    id          bigint generated always as identity primary key,
    topic       text        not null,
    key         bytea,
    value       bytea       not null,
    headers     text        not null,
    created_at  timestamptz not null default now()
);
comment on table validator.outbox is 'queue: empties itself';
