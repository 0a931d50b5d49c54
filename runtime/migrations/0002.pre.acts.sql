-- Acts of people: who did what about which thing, when and why. Append only.
create schema operations;

create table operations.act (
    at      timestamptz not null default clock_timestamp(),
    act_id  uuid        not null,
    who     text        not null,
    what    text        not null,   -- a constant of the code, e.g. dead-letter-redriven
    about   text        not null,   -- the thing's own key, e.g. mapper:17
    reason  text        not null check (reason <> ''),
    detail  jsonb       not null default '{}',
    primary key (at, act_id)
) partition by range (at);
create index act_about on operations.act (about, at);

-- What was done stays written, whoever is connected; old months leave as whole partitions.
create function operations.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception 'operations.act is append only';
end
$$;
create trigger append_only before update or delete on operations.act
    for each row execute function operations.refuse_change();
