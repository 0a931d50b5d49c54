create schema sender;

-- One row per KSeF context: who may send for it now. The lease columns are runtime/lease.py's.
create table sender.context (
    key          text        primary key,      -- Nip:5265877635
    due_at       timestamptz not null default 'infinity',
    lease_owner  text,
    lease_until  timestamptz,
    fence        bigint      not null default 0
);
comment on table sender.context is 'identity: one row per company';

-- KSeF sessions, written before they are opened. A session belongs to one fence of its context.
create table sender.session (
    opened_at    timestamptz not null default now(),
    session_id   uuid        not null,
    context_key  text        not null,
    fence        bigint      not null,
    state        text        not null check (state in ('opening', 'open', 'closing', 'closed', 'final', 'void')),
    key_sealed   bytea       not null,
    reference    text,
    valid_until  timestamptz,
    closed_at    timestamptz,
    asked        integer     not null default 0,
    next_at      timestamptz not null default now(),
    primary key (opened_at, session_id)
) partition by range (opened_at);
create index session_unsettled on sender.session (context_key) where state not in ('final', 'void');

-- One row per document that may be sent: the machine's state, and what KSeF said.
create table sender.submission (
    accepted_at          timestamptz not null,
    document_id          uuid        not null,
    context_key          text        not null,
    state                text        not null check (state in
        ('ready', 'sending', 'in-doubt', 'sent', 'issued', 'completed', 'rejected', 'parked')),
    attempt              integer     not null default 0,
    document             jsonb       not null,   -- DocumentRef
    facts                jsonb       not null,   -- InvoiceFacts
    xml                  jsonb       not null,   -- claim check of exactly the bytes KSeF sees
    invoice_hash         text        not null,   -- their SHA-256 in Base64, as KSeF compares it
    session_opened_at    timestamptz,
    session_id           uuid,
    session_reference    text,
    invoice_reference    text,
    ksef_number          text,
    acquired_at          timestamptz,
    invoicing_mode       text,
    status_code          integer,
    upo                  jsonb,
    asked                integer     not null default 0,
    next_at              timestamptz not null default now(),
    traceparent          text,
    taken_at             timestamptz not null default now(),
    changed_at           timestamptz not null default now(),
    primary key (accepted_at, document_id)
) partition by range (accepted_at);
create index submission_ready on sender.submission (context_key, accepted_at) where state = 'ready';
create index submission_open on sender.submission (context_key, next_at)
    where state in ('ready', 'sending', 'in-doubt', 'sent', 'issued');
create index submission_number on sender.submission (ksef_number) where ksef_number is not null;

-- Every step towards KSeF, before and after: append only, the proof that nothing was sent without one.
create table sender.journal (
    at           timestamptz not null default clock_timestamp(),
    entry_id     bigint      generated always as identity,
    context_key  text        not null,
    fence        bigint      not null,
    event        text        not null,
    document_id  uuid,
    session_id   uuid,
    attempt      integer,
    detail       jsonb       not null default '{}',
    primary key (at, entry_id)
) partition by range (at);
create index journal_document on sender.journal (document_id);

create table sender.outbox (
    id          bigint generated always as identity primary key,
    topic       text        not null,
    key         bytea,
    value       bytea       not null,
    headers     text        not null,
    created_at  timestamptz not null default now()
);
comment on table sender.outbox is 'queue: empties itself';
