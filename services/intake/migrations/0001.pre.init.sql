create schema intake;

-- The memory of every document id: what its bytes were, and since when. Asked at every record.
create table intake.identity (
    document_id  uuid        primary key,
    raw_sha256   bytea       not null,
    accepted_at  timestamptz not null default now(),
    created_at   timestamptz not null,       -- the first record's own time: default of source.created_at
    refused      boolean     not null
);
comment on table intake.identity is 'identity: a document id is unique over all months';

-- What intake did not take, and why. The bytes are in payload.object, under the month of accepted_at.
create table intake.refusal (
    accepted_at      timestamptz not null,
    document_id      uuid        not null,
    raw_sha256       bytea       not null,
    source           text        not null,
    erp_document_id  text        not null,
    revision         text        not null,
    origin           jsonb       not null,
    findings         jsonb       not null,
    refused_at       timestamptz not null default now(),
    primary key (accepted_at, document_id, raw_sha256)
) partition by range (accepted_at);
