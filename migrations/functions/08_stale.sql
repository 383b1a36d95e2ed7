-- Writes the documents and lists that are marked as stale.
--
--     stale_work --> lists that this transaction has made
--                --> marks on a document, a card, a list: a bounded number of documents and lists
--                --> otherwise a mark on a name: the next 50 of its articles
--
-- Why no unmarked list can show an old card or old articles:
--   * A transaction that changes a card or a list marks it. So a session to which the change is visible also finds the
--     mark, until a caller of this function has deleted it.
--   * The callers run one after the other: each holds the lock until its transaction ends. So each caller reads all
--     that the earlier ones have written, and it writes what it reads after it has the lock.
--   * A mark that is visible to a caller is of its own transaction, or of one that has committed. The caller then reads
--     and writes that change or a later one. A change that commits after this read has a mark of its own, which is not
--     visible to the caller, and stays.
--   * An article enters a list while its card changes. Either the list is read after the commit of the new card, and
--     has the new card; or the change commits later, with a mark that is visible to the next caller, and this caller
--     finds the article on the list.

-- Counts a failure of PostgreSQL on an article, and sets the time of the next attempt: after 10 s, then after four
-- times as long each time, up to an hour. Before that time, another failure is not counted.
create or replace function work_failed(article bigint, why text) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    insert into related_failures as f (article_id, failures, retry_at, reason, xid)
    values (article, 1, clock_timestamp() + interval '10 s', why, pg_current_xact_id())
    on conflict (article_id) do update
        set (failures, retry_at) = (
                select f.failures, f.retry_at where f.retry_at > clock_timestamp() and f.retry_at <> 'infinity'
                union all
                select f.failures + 1,
                       clock_timestamp() + least(interval '10 s' * 4 ^ least(f.failures, 6), interval '1 hour')
                limit 1),
            reason = excluded.reason,
            xid = excluded.xid;
end
$$;

-- Writes these documents. When PostgreSQL fails, it writes each one separately; one that fails is marked for later.
create or replace function stale_documents(articles_stale bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    article bigint;
begin
    begin
        perform article_views_write(articles_stale, false);
        return;
    exception when others then
        null;
    end;
    foreach article in array articles_stale loop
        begin
            perform article_views_write(array[article], false);
        exception when others or query_canceled then
            perform work_failed(article, sqlerrm);
            perform mark_stale(array[document_key(article)]);
            update stale_marks
            set retry_at = (select f.retry_at from related_failures f where f.article_id = article)
            where key = document_key(article);
        end;
    end loop;
end
$$;

-- Writes these lists. Where PostgreSQL fails, each by itself; one that fails is marked for later.
create or replace function stale_lists(lists bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    list bigint;
begin
    begin
        perform related_views_write(lists);
        return;
    exception when others then
        null;
    end;
    foreach list in array lists loop
        begin
            perform related_views_write(array[list]);
            continue;
        exception when others then
            null;
        end;
        begin
            perform related_views_repair(list);
        exception when others or query_canceled then
            perform work_failed(list, sqlerrm);
            perform mark_stale(array[list_key(list)]);
            update stale_marks
            set retry_at = (select f.retry_at from related_failures f where f.article_id = list)
            where key = list_key(list);
        end;
    end loop;
end
$$;

-- The next articles whose documents have the marked name, in the order of their ids.
create or replace function stale_articles(mark stale_marks, most integer) returns bigint[]
    language plpgsql stable
    set search_path = public, pg_temp
as $$
declare
    entity constant bigint := mark.key / 16;
begin
    return case mark.key % 16
        when 2 then array(
            select a.id from articles a
            where a.section_id = entity and a.id > mark.done_to order by a.id limit most)
        when 3 then array(
            select x.article_id from article_authors x
            where x.author_id = entity and x.article_id > mark.done_to order by x.article_id limit most)
        else array(
            select x.article_id from article_tags x
            where x.tag_id = entity and x.article_id > mark.done_to order by x.article_id limit most)
        end;
end
$$;

-- Advances the oldest marks on names by one step. Each of them waits until all transactions have ended that were under
-- way when it was first read, because they may have read the old name. Other marks on the same
-- name that could begin now ask for the same documents: they are deleted, so a name that was changed a hundred times
-- costs as much as one that was changed once. Returns the number of written documents.
create or replace function stale_names(most integer) returns integer
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    mark stale_marks;
    batch bigint[];
    n integer := 0;
begin
    update stale_marks
    set horizon = pg_snapshot_xmax(pg_current_snapshot())
    where key % 16 in (2, 3, 4) and horizon is null;
    for mark in
        select m.* from stale_marks m
        where m.key % 16 in (2, 3, 4) and m.horizon <= pg_snapshot_xmin(pg_current_snapshot())
        order by m.id limit 100
    loop
        exit when n >= most;
        continue when not exists (select from stale_marks m where m.id = mark.id);
        if mark.done_to = 0 then
            delete from stale_marks m
            where m.key = mark.key and m.id <> mark.id and m.horizon <= pg_snapshot_xmin(pg_current_snapshot());
        end if;
        batch := stale_articles(mark, most - n);
        perform stale_documents(batch);
        if cardinality(batch) = most - n then -- there may be more
            update stale_marks set done_to = batch[cardinality(batch)] where id = mark.id;
        else
            delete from stale_marks where id = mark.id;
        end if;
        n := n + cardinality(batch) + 1;
    end loop;
    return n;
end
$$;

-- Writes the lists that this transaction has made (new_lists), and up to `most` marked documents and lists. Returns the
-- number of the marked ones; 0: there is nothing for this caller now. It waits for nobody: while another session
-- writes, the new lists are only marked, for the next caller.
create or replace function stale_work(new_lists bigint[], most integer) returns integer
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    lists bigint[] := coalesce(new_lists, '{}');
    showing bigint[];
    mark stale_marks;
    n integer := 0;
begin
    if cardinality(lists) = 0 and not exists (select from stale_marks where retry_at <= clock_timestamp()) then
        return 0;
    end if;
    if current_setting('transaction_isolation') <> 'read committed'
        or not pg_try_advisory_xact_lock(work_lock(5)) then
        perform mark_stale(array(select list_key(l.id) from unnest(lists) l (id)));
        return 0;
    end if;

    for mark in
        select m.* from stale_marks m
        where m.key % 16 in (1, 10, 11) and m.retry_at <= clock_timestamp()
        order by m.id limit most
    loop
        exit when n >= most;
        n := n + 1;
        if mark.key % 16 = 10 then
            delete from stale_marks where id = mark.id;
            perform stale_documents(array[mark.key / 16]);
        elsif mark.key % 16 = 11 then
            delete from stale_marks where id = mark.id;
            lists := lists || mark.key / 16;
        else
            showing := array(
                select r.article_id from article_related r
                where r.related_id = mark.key / 16 and r.article_id > mark.done_to
                order by r.article_id
                limit most - n + 1);
            if cardinality(showing) = most - n + 1 then -- there may be more
                update stale_marks set done_to = showing[cardinality(showing)] where id = mark.id;
            else
                delete from stale_marks where id = mark.id;
            end if;
            lists := lists || showing;
            n := n + cardinality(showing);
        end if;
    end loop;
    perform stale_lists(array(select distinct l.id from unnest(lists) l (id)));
    if n = 0 then
        n := stale_names(50);
    end if;
    return n;
end
$$;
