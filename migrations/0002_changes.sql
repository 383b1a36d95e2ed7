-- The change log: which entities each transaction changed. Servers read it to drop the answers that are old.

-- +migrate Up

-- key: a kind and an id (functions/01_entities.sql); 0 is everything. A reader asks for the rows that have
-- become visible between two snapshots. It never relies on an order of rows, so it never misses a
-- transaction that commits late.
create table change_log (
    xid xid8   not null default pg_current_xact_id(),
    key bigint not null,
    primary key (xid, key)
);

-- The history to which the log belongs, and how far back the log reaches.
create table change_log_state (
    only_row boolean     primary key default true check (only_row),
    history  text        not null default '', -- see change_log_history()
    trimmed  pg_snapshot not null default pg_current_snapshot(), -- rows that were visible to it may be deleted
    next     pg_snapshot not null default pg_current_snapshot(), -- the next `trimmed`
    taken_at timestamptz not null default clock_timestamp()
);
insert into change_log_state default values;

-- +migrate Down
drop table change_log_state;
drop table change_log;
