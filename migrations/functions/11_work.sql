-- Works off the queue of related lists, and all marks. Any number of callers may do it at the same time: the work is
-- done once, and no caller waits for another. Interrupted work is in the queue as before.
--
--     related_work --> related_read   published articles first, then articles written in bulk
--                  --> related_list   lists of published articles, then lists that they enter, then the bulk
--                  --> stale_work     documents and lists as JSON
--                  --> close_gates    when nothing is left

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

-- Reads these articles and adds them to the terms.
create or replace function related_learn_anew(batch bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    if exists (select from article_terms where article_id = any (batch)) then
        perform related_forget(batch);
    end if;
    perform related_learn(batch, (select language::regconfig from related_settings));
    update related_failures set retry_at = 'infinity' where article_id = any (batch);
end
$$;

-- The same; when PostgreSQL fails, it reads each article separately. Returns the articles that it has read.
create or replace function related_learn_each(batch bigint[]) returns bigint[]
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    article bigint;
    good bigint[] := '{}';
begin
    begin
        perform related_learn_anew(batch);
        return batch;
    exception when others then
        null;
    end;
    foreach article in array batch loop
        begin
            perform related_learn_anew(array[article]);
            good := good || article;
        exception when others or query_canceled then
            perform work_failed(article, sqlerrm);
        end;
    end loop;
    return good;
end
$$;

-- Reads articles that were written. Returns how many it has read or skipped; 0: none is written, or another caller
-- reads.
create or replace function related_read(max_articles integer) returns integer
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set plan_cache_mode = force_custom_plan
    set work_mem = '64MB'
    set jit = off
    set client_min_messages = warning -- a word of more than 2,047 bytes is left out with a notice
as $$
declare
    this_turn smallint;
    batch bigint[];
    good bigint[];
begin
    select turn into this_turn from related_queue where needs_reading order by turn, id limit 1;
    if not found or not pg_try_advisory_xact_lock(work_lock(0)) then
        return 0;
    end if;

    -- The rows are deleted first, and the articles are read afterwards: an article that is written after that is queued
    -- again.
    with first as (
        select article_id from related_queue where needs_reading and turn = this_turn order by id limit max_articles
    ), taken as (
        delete from related_queue q
        where q.needs_reading and q.turn = this_turn and q.article_id = any (array(select article_id from first))
        returning q.article_id
    )
    select array_agg(distinct article_id) into batch from taken;
    if batch is null then
        return 0;
    end if;
    good := related_learn_each(batch);

    insert into related_queue (article_id, needs_reading, turn)
    select id, false, this_turn
    from unnest(good) b (id)
    where exists (select from articles a where a.id = b.id)
    order by id;
    insert into related_queue (article_id, needs_reading, turn)
    select distinct r.article_id, false, greatest(this_turn, 1)
    from article_related r
    where r.related_id = any (good) and r.article_id <> all (good)
    order by 1;
    return cardinality(batch);
end
$$;

-- Parses up to 500 of the articles that were written in bulk and that are read soon, but not at once: after the first
-- `skip`, and from the entry of the queue after `after` on. To parse the text is half of the work of reading an
-- article, and only one session at a time reads. So a second session may parse ahead. Returns how far it has come, for
-- the next call; 0: there is nothing to do now. Deletes the words of articles that have been read meanwhile. It is
-- never more than skip + 10,000 articles ahead.
create or replace function related_parse(after bigint, skip integer default 4000) returns bigint
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    configuration regconfig := (select s.language::regconfig from related_settings s);
    batch bigint[];
    reached bigint;
begin
    delete from related_words
    where article_id = any (array(
        select w.article_id from related_words w
        where not exists (select from related_queue q where q.article_id = w.article_id and q.needs_reading)
        for update skip locked));

    select array_agg(distinct q.article_id), max(q.id) into batch, reached
    from (
        select x.article_id, x.id
        from (
            select y.article_id, y.id from related_queue y
            where y.needs_reading and y.turn = 2
            order by y.id offset skip limit 10000) x
        where x.id > after
        order by x.id limit 500) q;

    begin
        insert into related_words (article_id, text_hash, words)
        select a.id, related_text_hash(x.text, configuration), to_tsvector(configuration, x.text)
        from articles a
        cross join lateral (select related_text(a.title, a.summary, a.body) as text offset 0) x
        where a.id = any (batch) and a.status = 'published'
        on conflict (article_id) do nothing;
    exception when others then
        null; -- related_read finds out which article it is
    end;
    return coalesce(reached, 0);
end
$$;

-- Makes the lists of these articles; when PostgreSQL fails, it makes each list separately.
create or replace function related_make_each(batch bigint[], this_turn smallint) returns integer
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    article bigint;
begin
    begin
        return related_make(batch, this_turn);
    exception when others then
        null;
    end;
    foreach article in array batch loop
        begin
            perform related_make(array[article], this_turn);
        exception when others or query_canceled then
            perform work_failed(article, sqlerrm);
        end;
    end loop;
    return cardinality(batch);
end
$$;

-- Makes lists: of published articles, then the lists that these enter, and after all articles are read the lists of
-- articles written in bulk. Returns how many it made; 0: there is nothing to do, or others are doing it. The remainders
-- of their ids distribute the lists, so that four callers can make lists at the same time.
create or replace function related_list(max_articles integer, last_turn integer default 2) returns integer
    language plpgsql
    set search_path = public, pg_temp
    set plan_cache_mode = force_custom_plan
    set work_mem = '64MB'
    set jit = off
    set enable_nestloop = off
    set enable_mergejoin = off
    set enable_seqscan = off
    set enable_sort = off
    set enable_memoize = off
as $$
declare
    head record;
    done integer := 0;
    batch bigint[];
begin
    if exists (select from related_queue where needs_reading and turn = 2) then
        last_turn := least(last_turn, 1);
    end if;
    for head in
        select l.remainder, q.turn
        from generate_series(0, 3) l (remainder)
        cross join lateral (
            select q.turn, q.id from related_queue q
            where not q.needs_reading and q.article_id % 4 = l.remainder
            order by q.turn, q.id limit 1) q
        where q.turn <= last_turn
        order by q.turn, q.id
    loop
        exit when done >= max_articles;
        continue when not pg_try_advisory_xact_lock(work_lock(1 + head.remainder));
        with first as (
            select article_id from related_queue
            where not needs_reading and article_id % 4 = head.remainder and turn = head.turn
            order by turn, id limit max_articles - done
        ), taken as (
            delete from related_queue q
            where not q.needs_reading and q.article_id = any (array(select article_id from first))
            returning q.article_id
        )
        select array_agg(distinct article_id) into batch from taken;
        if batch is not null then
            done := done + related_make_each(batch, head.turn);
        end if;
    end loop;
    return done;
end
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

-- Does a part of the work in the caller's transaction: up to the given number of articles. done: the number of
-- articles, documents and lists of this call; 0: there is nothing to do for this caller now. failed: articles on which
-- PostgreSQL failed in this call, and the reason of the first failure; they are tried again later.
--
-- Fails at once (55P03) when it would have to wait for a lock on a table.
create or replace function related_work(max_articles integer, out done integer, out failed bigint[], out reason text)
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    nread integer;
    nmade integer;
    nstale integer;
begin
    if max_articles is null or max_articles < 1 then
        raise exception 'related_work takes 1 article or more, not %', max_articles;
    end if;
    lock table articles, article_tags, article_views, article_cards, article_related, related_queue, related_views,
        stale_marks in row exclusive mode nowait;
    perform set_config('broadsheet.lists', 'later', true); -- stale_work writes them at the end: no marks are needed
    perform related_retry();
    nread := related_read(max_articles);
    -- Other sessions do not yet see the articles that were read here. So the lists that depend on them wait for the
    -- next call, except the lists of the articles themselves.
    nmade := related_list(max_articles, case when nread > 0 then 0 else 2 end);
    -- The JSON of a list takes little time compared with the list.
    nstale := stale_work(
        array(select l.key / 16 from change_log l where l.xid = pg_current_xact_id_if_assigned() and l.key % 16 = 1),
        greatest(max_articles, 200));
    perform set_config('broadsheet.lists', '', true);

    perform related_recovered();

    done := greatest(nread, nmade, nstale);
    select array_agg(f.article_id order by f.article_id), (array_agg(f.reason order by f.article_id))[1]
    into failed, reason
    from related_failures f where f.xid = pg_current_xact_id_if_assigned();
    if done = 0 then
        perform close_gates();
    end if;
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
    insert into related_queue (article_id, needs_reading, turn)
    select a.id, true, 2 from articles a where a.status = 'published' order by a.id;
    insert into related_queue (article_id, needs_reading, turn)
    select t.article_id, true, 2 from article_terms t
    where not exists (select from articles a where a.id = t.article_id and a.status = 'published');
    perform change_log_add('{0}');
end
$$;
