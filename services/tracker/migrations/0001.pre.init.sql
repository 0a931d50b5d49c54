create schema tracker;

-- Where each document stands. state is the machine's, outcome is the business's.
create table tracker.document (
    accepted_at      timestamptz not null,
    document_id      uuid        not null,
    source           text        not null,
    erp_document_id  text        not null,
    revision         text        not null,
    company_nip      text,
    state            text        not null,
    outcome          text        not null,
    sequence         integer     not null,
    facts            jsonb,                 -- number, kind, seller, gross, as far as known
    origin           jsonb,
    ksef             jsonb,                 -- references, KSeF number, acquisition, as far as known
    upo              jsonb,                 -- claim check of the receipt
    findings         jsonb       not null default '[]',
    waits_for        uuid,
    trace_id         text,
    updated_at       timestamptz not null default now(),
    primary key (accepted_at, document_id)
) partition by range (accepted_at);
create index document_by_id on tracker.document (document_id);
create index document_by_erp_id on tracker.document (source, erp_document_id);

-- Every step once: the event's id drops repeats. Append only.
create table tracker.event (
    accepted_at  timestamptz not null,
    document_id  uuid        not null,
    event_id     uuid        not null,
    sequence     integer     not null,
    stage        text        not null,
    state        text        not null,
    at           timestamptz not null,      -- when the stage took the step
    status       jsonb       not null,      -- the message as it came, without content
    recorded_at  timestamptz not null default clock_timestamp(),
    primary key (accepted_at, document_id, event_id)
) partition by range (accepted_at);

create table tracker.outbox (
    id          bigint generated always as identity primary key,
    topic       text        not null,
    key         bytea,
    value       bytea       not null,
    headers     text        not null,
    created_at  timestamptz not null default now()
);
comment on table tracker.outbox is 'queue: empties itself';
