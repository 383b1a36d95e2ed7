-- The queue of related lists, the failures, and the work on marks. Any number of callers may do it at the same time: the
-- work is done once, and no caller waits for another. Interrupted work is in the queue as before.

-- Queues articles that were written. More than 50 articles in a statement are a bulk, which waits for articles that are
-- published meanwhile. An article that this transaction has queued already is not queued again. Rows of other
-- transactions do not count: they may be worked off now, from an older text of the article.
create or replace function related_queue_written(articles_written bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    insert into related_queue (article_id, needs_reading, turn)
    select w.id, true, case when cardinality(articles_written) > 50 then 2 else 0 end
    from unnest(articles_written) w (id)
    where not exists (
        select from related_queue q
        where q.article_id = w.id and q.needs_reading and q.xmin = pg_current_xact_id()::xid)
    order by w.id;
end
$$;

-- Queues all articles, to be read again.
create or replace function related_queue_all() returns void
    language sql
    set search_path = public, pg_temp
as $$
    insert into related_queue (article_id, needs_reading, turn)
    select a.id, true, 2 from articles a where a.status = 'published' order by a.id
$$;

-- Queues articles that failed before and must be tried again now. Infinity: the attempt is in the queue. A failure sets
-- the time of the next attempt (work_failed).
create or replace function related_retry() returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    with due as (
        update related_failures set retry_at = 'infinity'
        where article_id in (
            select f.article_id from related_failures f
            where f.retry_at <= clock_timestamp() order by f.retry_at limit 10 for update skip locked)
        returning article_id
    )
    insert into related_queue (article_id, needs_reading, turn) select d.article_id, true, 1 from due d;
end
$$;

-- Deletes the failures of articles that were tried again and for which nothing is left to do. So the pauses grow
-- whichever part of the work fails.
create or replace function related_recovered() returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    delete from related_failures
    where article_id in (
        select f.article_id from related_failures f
        where f.retry_at = 'infinity'
          and not exists (select from related_queue q where q.article_id = f.article_id)
          and not exists (
            select from stale_marks m where m.key in (document_key(f.article_id), list_key(f.article_id)))
        for update skip locked);
end
$$;

-- The articles on which PostgreSQL failed in this transaction, and the reason of the first failure.
create or replace function work_failed_now(out failed bigint[], out reason text)
    language sql stable
    set search_path = public, pg_temp
as $$
    select array_agg(f.article_id order by f.article_id), (array_agg(f.reason order by f.article_id))[1]
    from related_failures f where f.xid = pg_current_xact_id_if_assigned()
$$;

-- A program has failed on this article alone: it is taken out of the queue, and tried again later.
create or replace function related_failed(article bigint, why text) returns void
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
begin
    delete from related_queue q
    where q.id = any (array(select x.id from related_queue x where x.article_id = article for update skip locked));
    perform work_failed(article, why);
end
$$;

-- Queues articles that failed and are due, and writes marked documents and lists. done: the number of the marked parts;
-- 0: there is nothing to do for this caller now. failed, reason: as in work_failed_now.
create or replace function work_marks(most integer, out done integer, out failed bigint[], out reason text)
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
begin
    perform work_begin();
    perform related_retry();
    done := stale_work('{}', most);
    perform related_recovered();
    select f.failed, f.reason into failed, reason from work_failed_now() f;
    if done = 0 then
        perform close_gates();
    end if;
end
$$;

-- For metrics. A row without a version: the rows of the queue, at most 100,000 of them, and the age of the oldest one.
-- A row for each version of the analysis: the age of the list that was made longest ago. Ages are in seconds.
create or replace function related_status() returns table (analysis smallint, n bigint, age_s bigint)
    language plpgsql stable
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
    set enable_sort = off
as $$
declare
    version smallint := (select min(m.analysis) from related_made m);
begin
    return query
        select null::smallint,
            (select count(*) from (select from related_queue limit 100000) q),
            greatest(extract(epoch from clock_timestamp() - (
                select q.queued_at from related_queue q order by q.id limit 1))::bigint, 0);
    while version is not null loop
        return query
            select m.analysis, 0::bigint, extract(epoch from clock_timestamp() - m.made_at)::bigint
            from related_made m where m.analysis = version order by m.analysis, m.made_at limit 1;
        version := (select min(m.analysis) from related_made m where m.analysis > version);
    end loop;
end
$$;

-- In idle time: queues the lists that were made longest ago, or by an older version of the analysis, to be made again
-- from texts that are read again. Returns how many; 0 while there is other work.
create or replace function related_slow_pass(version smallint, older_than interval, most integer) returns integer
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
    set enable_sort = off
as $$
declare
    n integer;
begin
    if exists (select from related_queue) or not pg_try_advisory_xact_lock(work_lock(6)) then
        return 0;
    end if;
    insert into related_queue (article_id, needs_reading, turn)
    select m.article_id, true, 3
    from (
        select x.* from related_made x
        where not exists (select from related_failures f where f.article_id = x.article_id)
        order by x.analysis, x.made_at limit most) m
    where m.analysis < version or m.made_at < clock_timestamp() - older_than;
    get diagnostics n = row_count;
    return n;
end
$$;

-- Derives the documents, cards and lists of these articles anew. Where PostgreSQL fails, each half by itself. An
-- article on which it fails alone is left as it was, with a warning.
create or replace function rebuild_articles(ids bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    half constant integer := cardinality(ids) / 2;
begin
    delete from article_views where article_id = any (ids);
    insert into article_views select * from article_views_of(ids) v order by v.article_id;
    insert into article_cards select * from article_cards_of(ids) c order by c.article_id;
exception when data_corrupted then
    if half = 0 then
        raise warning 'article % can''t be read: %', ids[1], sqlerrm;
    else
        perform rebuild_articles(ids[:half]);
        perform rebuild_articles(ids[half + 1:]);
    end if;
end
$$;

-- Derives all documents, cards and lists from the tables again, and reports to every server that everything may have
-- changed: for data that was written while triggers did not fire. `./dev migrate rebuild` runs it.
create or replace function rebuild() returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    lock table sections, authors, tags, articles, article_authors, article_tags in share row exclusive mode;
    delete from article_views v where not exists (select from articles a where a.id = v.article_id);
    perform rebuild_articles(array(select id from articles order by id));
    delete from related_views;
    perform stale_lists(array(select id from articles order by id));
    delete from related_queue;
    perform related_queue_all();
    insert into related_queue (article_id, needs_reading, turn)
    select t.article_id, true, 2 from article_terms t
    where not exists (select from articles a where a.id = t.article_id and a.status = 'published');
    perform change_log_add('{0}');
end
$$;
