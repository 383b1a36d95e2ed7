-- The change log: written by triggers, read by servers.
--
--     change_log_add --> a row for each entity --> NOTIFY --> change_log_since: the rows that are new to a server

-- Says that these entities have changed.
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

-- The line of events to which the log belongs. Where it differs from before, nothing that was reported before
-- says anything about what is there now:
--   * the cluster, its timeline and the database: a restore or a failover;
--   * the last recovery from a crash (statistics do not survive it): the newest commits may be gone;
--   * the tables and their triggers, with the transactions that changed those last: a restore that made them
--     anew, or one that switched the triggers off and on again.
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
         where t.tgrelid = any (base_tables()) and not t.tgisinternal))
$$;

-- Why this database may not report changes: a sentence, or null where it reports them.
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
              where t.tgrelid = any (base_tables()) and t.tgenabled in ('O', 'A')
                and p.proname in ('on_article_rows', 'on_name_rows', 'on_rows_truncated')
                and t.tgtype & event.bit <> 0) < 4 * cardinality(base_tables())
            then 'triggers that report changes are absent or disabled: enable them, or run ./dev migrate; '
                 'then run ./dev migrate rebuild'
        end
$$;

-- Does the log still have all that has committed since a snapshot? It does where the snapshot is not older
-- than `trimmed`: where it saw all that `trimmed` saw.
create or replace function change_log_reaches(since pg_snapshot) returns boolean
    language sql stable
begin atomic
    select pg_snapshot_xmax(since) >= pg_snapshot_xmax(s.trimmed)
       and not exists (
           select from pg_snapshot_xip(since) x (xid) where pg_visible_in_snapshot(x.xid, s.trimmed))
    from public.change_log_state s;
end;

-- Begins the log anew for a history that is not its own: after a restore its rows have the numbers of
-- transactions of another cluster. False: somebody else is doing it.
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

-- What a server has not seen of the log. since: the position of its last read, '' before the first. One row:
-- the position of this read; 1 where anything may have changed since the last; else the entities that have;
-- and why changes may go unreported, if so.
--
-- A position is a snapshot and a history. This read sees exactly the rows of transactions that have committed
-- between the two snapshots, whenever they began: it misses none, and none comes twice.
--
-- Fails at once (55P03) where somebody has locked the log. A caller that asks four times a second must not
-- stand in a queue, in which everyone behind it would wait too.
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

    -- In one statement, which is one snapshot. In the order of the index, so that it is used however long the
    -- log is.
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

-- Keeps the log short: rows that were visible a while ago go, and a while is never less than `keep`. So the
-- log has the changes of two such whiles at most, and of transactions that are still open. Returns how many
-- rows went. One caller at a time; another one gets 0 at once.
create or replace function change_log_trim(keep interval) returns bigint
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    gone bigint;
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
    get diagnostics gone = row_count;
    return gone;
end
$$;
