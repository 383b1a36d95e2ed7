-- Marks on documents and lists that are behind the tables (migrations/0003_read_model.sql).
--
--     mark_stale --> stale_marks, and an open gate --> readers look the marks up by their keys
--     stale_work (functions/08_stale.sql) writes marked parts --> no mark is left: close_gates
--
-- Why a reader that finds a gate closed misses no mark: a writer of marks holds a shared lock on the gates until its
-- transaction ends. The gates are closed under the exclusive form of this lock, after another check of the marks with a
-- snapshot that is taken under the lock. So all earlier marks have committed, and this snapshot has them; all later
-- writers find the gates closed, and open them again.

-- The numbers of the advisory locks: 0 counts terms, 1 to 4 make lists, 5 writes marked documents and lists, 6 is the slow pass, 15 is
-- the lock on the gates.
create or replace function work_lock(n integer) returns bigint
    language sql stable
    set search_path = public, pg_temp
as $$
    select 'related_queue'::regclass::bigint * 16 + n
$$;

-- Marks these entities. A writer waits here for at most the short transaction that closes the gates.
create or replace function mark_stale(keys bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    if keys is null or cardinality(keys) = 0 then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(work_lock(15));
    insert into stale_marks (key) select distinct k.key from unnest(keys) k (key);

    insert into stale_gates (gate, is_open)
    select g.gate, true
    from (values ('documents', array[2, 3, 4, 10]), ('lists', array[1, 2, 10, 11])) g (gate, kinds)
    where exists (select from unnest(keys) k (key) where (k.key % 16)::integer = any (g.kinds))
      and (current_setting('transaction_isolation') <> 'read committed' -- the snapshot may not show that it was closed
           or not coalesce((select s.is_open from stale_gates s where s.gate = g.gate order by s.id desc limit 1), false));
end
$$;

-- Closes the gates when no mark is left. Returns whether it has closed one. Call it in a transaction of its own that
-- ends at once, because writers of marks wait for its end.
create or replace function close_gates() returns boolean
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    closed boolean;
begin
    if exists (select from stale_marks)
        or current_setting('transaction_isolation') <> 'read committed'
        or not exists (
            select from (values ('documents'), ('lists')) g (gate)
            where coalesce((select s.is_open from stale_gates s where s.gate = g.gate order by s.id desc limit 1), true))
        or not pg_try_advisory_xact_lock(work_lock(15)) then
        return false;
    end if;
    if exists (select from stale_marks) then -- check again, under the lock
        return false;
    end if;
    insert into stale_gates (gate, is_open)
    select g.gate, false
    from (values ('documents'), ('lists')) g (gate)
    where coalesce((select s.is_open from stale_gates s where s.gate = g.gate order by s.id desc limit 1), true);
    closed := found;
    delete from stale_gates s
    where s.id < (select max(t.id) from stale_gates t where t.gate = s.gate) - 1000;
    return closed;
end
$$;
