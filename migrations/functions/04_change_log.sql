-- The change log. Triggers write it, and servers read it.
--
--     change_log_add --> a row for each entity --> NOTIFY --> change_log_since: the rows that are new to a server

-- Reports that these entities have changed.
create or replace function change_log_add(keys bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    if keys is null or cardinality(keys) = 0 then
        return;
    end if;
    insert into change_log (key) select distinct unnest(keys) on conflict do nothing;
    perform pg_notify('broadsheet_changes', '');
end
$$;

-- The six tables that a newsroom writes.
create or replace function base_tables() returns oid[]
    language sql stable
    set search_path = public, pg_temp
as $$
    select array['sections', 'authors', 'tags', 'articles', 'article_authors', 'article_tags']::regclass[]::oid[]
$$;

-- The tables whose triggers report changes.
create or replace function reporting_tables() returns oid[]
    language sql stable
    set search_path = public, pg_temp
as $$
    select base_tables() || 'article_related'::regclass::oid
$$;

-- The history to which the log belongs. When it differs from before, earlier reports are not valid for the present
-- data. It has these parts:
--   * the cluster, its timeline and the database: they change with a restore or a failover;
--   * the last recovery from a crash (the statistics do not survive it): the newest commits may be lost;
--   * the tables and their triggers, with the transactions that changed them last: they change with a restore that
--     makes them again, or that disables the triggers and enables them again.
create or replace function change_log_history() returns text
    language sql stable
    set search_path = public, pg_temp
as $$
    select concat_ws('/',
        (select system_identifier from pg_control_system()),
        case when not pg_is_in_recovery()
             then left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end,
        (select oid from pg_database where datname = current_database()),
        extract(epoch from pg_stat_get_bgwriter_stat_reset_time()),
        'change_log'::regclass::oid,
        (select md5(string_agg(concat_ws(' ', t.tgrelid, t.tgname, t.tgenabled, t.xmin), ',' order by t.tgrelid, t.tgname))
         from pg_trigger t
         where t.tgrelid = any (reporting_tables()) and not t.tgisinternal))
$$;

-- The reason why this database may not report changes, as a sentence; null when it reports them.
create or replace function change_log_unreliable() returns text
    language sql stable
    set search_path = public, pg_temp
as $$
    select case
        when current_setting('session_replication_role') = 'replica'
            then 'session_replication_role is replica, and triggers do not fire'
        when exists (select from pg_subscription_rel s where s.srrelid = any (base_tables()))
            then 'a subscription writes the articles, and triggers do not fire for it'
        when (select count(distinct (t.tgrelid, event.bit))
              from pg_trigger t
              join pg_proc p on p.oid = t.tgfoid
              cross join (values (4), (8), (16), (32)) event (bit) -- insert, delete, update, truncate
              where t.tgrelid = any (reporting_tables()) and t.tgenabled in ('O', 'A')
                and p.proname in ('on_article_rows', 'on_name_rows', 'on_related_rows', 'on_rows_truncated')
                and t.tgtype & event.bit <> 0) < 4 * cardinality(reporting_tables())
            then 'triggers that report changes are absent or disabled: enable them, or run ./dev migrate; '
                 'then run ./dev migrate rebuild'
        end
$$;

-- Does the log still have all changes that have committed since a snapshot? It has them when the snapshot is not older
-- than `trimmed`: when all that was visible to `trimmed` was visible to the snapshot.
create or replace function change_log_reaches(since pg_snapshot) returns boolean
    language sql stable
begin atomic
    select pg_snapshot_xmax(since) >= pg_snapshot_xmax(s.trimmed)
       and not exists (
           select from pg_snapshot_xip(since) x (xid) where pg_visible_in_snapshot(x.xid, s.trimmed))
    from public.change_log_state s;
end;

-- Empties the log for another history: after a restore, its rows have the transaction numbers of another cluster.
-- False: another session is doing it.
create or replace function change_log_restart(new_history text) returns boolean
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    perform from change_log_state where history <> new_history for update skip locked;
    if not found then
        return false;
    end if;
    delete from change_log;
    update change_log_state
    set history = new_history, trimmed = pg_current_snapshot(), next = pg_current_snapshot(),
        taken_at = clock_timestamp();
    return true;
end
$$;

-- The changes that a server has not read. since: the position of its last read, '' before the first. One row: the
-- position of this read; 1 when anything may have changed since the last read; otherwise the changed entities; and the
-- reason why changes may go unreported, if there is one.
--
-- A position is a snapshot and a history. This read returns exactly the rows of transactions that have committed
-- between the two snapshots, whenever they began. It misses none of them, and returns none twice.
--
-- Fails at once (55P03) when another session has locked the log. A server reads four times a second, so it must not
-- wait for a lock: all later sessions would wait behind it.
create or replace function change_log_since(
    since text, out reached text, out everything integer, out keys bigint[], out unreliable text)
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    seen pg_snapshot := nullif(split_part(since, ' ', 1), '')::pg_snapshot;
    now_seen pg_snapshot;
    now_history text := change_log_history();
    most constant integer := 10000;
begin
    lock table change_log, change_log_state in access share mode nowait;
    unreliable := change_log_unreliable();
    if not pg_is_in_recovery() and (select s.history <> now_history from change_log_state s) then
        perform change_log_restart(now_history);
        seen := null;
    end if;

    -- One statement has one snapshot. The order of the index makes PostgreSQL use the index for a log of any length.
    select pg_current_snapshot(), array(
        select l.key
        from change_log l
        where l.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(l.xid, seen)
        order by l.xid
        limit most + 1)
    into now_seen, keys;

    reached := now_seen || ' ' || now_history;
    everything := (seen is null
                   or split_part(since, ' ', 2) <> now_history
                   or pg_snapshot_xmax(seen) > pg_snapshot_xmax(now_seen)
                   or not change_log_reaches(seen)
                   or cardinality(keys) > most
                   or 0 = any (keys))::integer;
    keys := case when everything = 0 then array(select distinct k.key from unnest(keys) k (key)) else '{}' end;
end
$$;

-- Keeps the log short. It deletes the rows that were visible at the beginning of the last period; a period is never
-- shorter than `keep`. So the log has the changes of at most two periods, and of transactions that are still open.
-- Returns the number of deleted rows. One caller at a time; another one gets 0 at once.
create or replace function change_log_trim(keep interval) returns bigint
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    deleted bigint;
begin
    perform from change_log_state where taken_at <= clock_timestamp() - keep for update skip locked;
    if not found then
        return 0;
    end if;
    update change_log_state
    set trimmed = next, next = pg_current_snapshot(), taken_at = clock_timestamp();
    delete from change_log
    using change_log_state s
    where xid < pg_snapshot_xmax(s.trimmed) and pg_visible_in_snapshot(xid, s.trimmed);
    get diagnostics deleted = row_count;
    return deleted;
end
$$;
