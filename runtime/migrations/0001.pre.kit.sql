-- What the kit keeps in PostgreSQL. Each schema belongs to runtime and is reached only through its API.

create schema meta;

create table meta.migration (
    owner       text        not null,
    name        text        not null,
    sha256      bytea       not null,
    applied_at  timestamptz not null default now(),
    primary key (owner, name)
);
comment on table meta.migration is 'identity: one row per migration file';

create table meta.installation (
    only_row     boolean     primary key default true check (only_row),
    environment  text        not null,
    created_at   timestamptz not null default now()
);
comment on table meta.installation is 'identity: one row, the KSeF environment this database belongs to';

-- Creates the month's partition of every partitioned table of a schema, for this month and the next ones.
create function meta.ensure_partitions(for_schema text, months_ahead integer) returns integer
language plpgsql set timezone = 'UTC' as $$   -- bounds of timestamptz partitions: the same for every caller
declare
    parent  record;
    first   date;
    name    text;
    created integer := 0;
begin
    -- Two workers may start together; the second waits and finds the work done.
    perform pg_advisory_xact_lock(hashtext('ksef-courier.partitions.' || for_schema));
    for parent in
        select c.oid, c.relname from pg_partitioned_table p
        join pg_class c on c.oid = p.partrelid
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = for_schema
    loop
        for month in 0..months_ahead loop
            first := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => month))::date;
            name := format('%s_%s', parent.relname, to_char(first, 'YYYY_MM'));
            if to_regclass(format('%I.%I', for_schema, name)) is null then
                execute format(
                    'create table %I.%I partition of %I.%I for values from (%L) to (%L)',
                    for_schema, name, for_schema, parent.relname,
                    first, (first + interval '1 month')::date
                );
                created := created + 1;
            end if;
        end loop;
    end loop;
    return created;
end
$$;

-- Bytes by content: claim checks, raw documents, the XML KSeF saw, its receipts.
create schema payload;

create table payload.object (
    stored_on   date        not null,   -- first day of a month
    sha256      bytea       not null,
    size_bytes  integer     not null,
    bytes       bytea       not null,
    primary key (stored_on, sha256)
) partition by range (stored_on);

-- Sources and companies as applied, with their history.
create schema config;

create table config.revision (
    version     bigint      generated always as identity primary key,
    applied_at  timestamptz not null default now(),
    applied_by  text        not null,
    reason      text
);
comment on table config.revision is 'identity: one row per config apply';

create table config.item (
    version  bigint not null references config.revision,
    kind     text   not null,
    name     text   not null,
    body     jsonb,                     -- null: removed by this version
    primary key (kind, name, version)
);
comment on table config.item is 'identity: one row per changed file per config apply';
