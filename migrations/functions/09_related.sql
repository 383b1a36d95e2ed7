-- What the programs that make related lists (lists/) read and write. PostgreSQL keeps the queue, the terms and the lists;
-- the programs analyse the texts and compute the scores.
--
--     to make a first list: related_new --> related_terms_of --> and so on, as any other list
--     to read an article:  related_take --> related_sources --> (its terms) --> related_lock_terms, related_terms_of
--                          --> related_write_terms, related_write_articles --> related_read_done: its list is queued
--     to make a list:      related_take_lists --> related_vectors, related_terms_of --> (candidates) --> related_vectors
--                          --> related_stories, related_newest --> (the cards) --> related_write_lists
--
-- Each of these is a transaction. The reads of texts are before the lock, so several programs may analyse texts at the
-- same time; one at a time counts terms. Lists are made by up to four programs at the same time.
--
-- The rows of tables are looked up by their keys, whatever the statistics say: a batch may be larger than the archive was
-- when a session made its plans.

-- No caller of the work waits for a lock on a table: it fails at once (55P03), and comes again. Its commits do not wait
-- for the disk: where a crash loses one, the queue has the work again, and every server reads everything again.
create or replace function work_begin() returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    lock table articles, article_tags, article_views, article_cards, article_related, related_queue, related_views,
        stale_marks in row exclusive mode nowait;
end
$$;

-- ---- reading

-- Takes articles that were written out of the queue: those of the first turn, up to `most` rows and some 16 MiB of stored
-- texts; or this one article. The rows are deleted first, and the articles are read afterwards: an article that is written
-- after that is queued again.
create or replace function related_take(most integer, only_article bigint default null)
    returns table (article_id bigint, turn smallint)
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set plan_cache_mode = force_custom_plan -- a plan for an empty queue is wrong for a full one
as $$
#variable_conflict use_column
declare
    this_turn smallint;
    batch bigint[] := array[only_article];
begin
    perform work_begin();
    if only_article is null then
        select q.turn into this_turn
        from related_queue q where q.needs_reading order by q.turn, q.id limit 1 for update skip locked;
        if not found then
            return;
        end if;
        batch := array(
            select q.article_id from related_queue q
            where q.needs_reading and q.turn = this_turn order by q.id limit most for update skip locked);
        batch := array(
            select x.id
            from (
                select b.id, b.n, sum(coalesce(pg_column_size(a.body), 0)) over (order by b.n) as bytes
                from unnest(batch) with ordinality b (id, n)
                left join lateral (select y.body from articles y where y.id = b.id offset 0) a on true) x
            where x.n = 1 or x.bytes <= 16777216);
    end if;
    return query
        with taken as (
            delete from related_queue q
            where q.id = any (array(
                select x.id from related_queue x
                where x.needs_reading and x.article_id = any (batch) for update skip locked))
            returning q.article_id, q.turn)
        select t.article_id, min(t.turn) from taken t group by t.article_id order by t.article_id;
end
$$;

-- The published ones of these articles, with what their terms come from. revision: of the terms that are stored already;
-- 0: there are none.
create or replace function related_sources_of(ids bigint[]) returns setof related_source
    language sql stable
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
    select a.id, coalesce(t.revision, 0), a.published_at, a.section_id, a.language,
           a.title || '', a.summary || '', left(a.body, 65536),
           keys_pack(array(select x.tag_id from article_tags x where x.article_id = a.id order by x.tag_id)),
           (select s.language from related_settings s), null::text
    from (select x.* from articles x where x.id = any (ids) offset 0) a -- and not all published articles
    left join lateral (select x.revision from article_terms x where x.article_id = a.id offset 0) t on true
    where a.status = 'published'
$$;

-- The same of articles that were published now and have no list, among those that this caller would take next. They stay in
-- the queue, and no other caller takes them before the end of the transaction.
create or replace function related_new(most integer) returns setof related_source
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set plan_cache_mode = force_custom_plan
as $$
declare
    new_articles bigint[];
begin
    perform work_begin();
    with next as (
        select q.article_id from related_queue q
        where q.needs_reading and q.turn = 0
        order by q.turn, q.id limit most for update skip locked)
    select array_agg(distinct n.article_id) into new_articles
    from next n
    where not exists (select from related_made m where m.article_id = n.article_id offset 0);
    if new_articles is not null then
        return query select * from related_sources_of(new_articles);
    end if;
end
$$;

-- The same; when PostgreSQL fails, each article by itself. A row with a failure instead of a text is an article that
-- can't be read; it is tried again later.
create or replace function related_sources(ids bigint[]) returns setof related_source
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    sources related_source[];
    article bigint;
begin
    begin
        sources := array(select s from related_sources_of(ids) s);
    exception when others then
        sources := '{}';
        foreach article in array ids loop
            begin
                sources := sources || array(select s from related_sources_of(array[article]) s);
            exception when others or query_canceled then
                perform work_failed(article, sqlerrm);
                sources := sources || (article, 0, null, null, null, null, null, null, null, null, sqlerrm)::related_source;
            end;
        end loop;
    end;
    return query select * from unnest(sources);
end
$$;

-- Waits until no other session counts terms. Returns a row for each of these articles, in the order of their ids: is it
-- published now, and what is stored of it. revision: 0 where nothing is.
create or replace function related_lock_terms(ids bigint[])
    returns table (article_id bigint, is_published boolean, revision bigint, language text, nwords integer, vector bytea,
                   others bytea)
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
    set lock_timeout = '5s'
as $$
begin
    perform pg_advisory_xact_lock(work_lock(0));
    return query
        select i.id, coalesce(a.status = 'published', false), coalesce(t.revision, 0), coalesce(t.language, ''),
               coalesce(t.nwords, 0), coalesce(t.vector, ''), coalesce(t.others, '')
        from unnest(ids) i (id)
        left join lateral (select x.status from articles x where x.id = i.id offset 0) a on true
        left join lateral (select x.* from article_terms x where x.article_id = i.id offset 0) t on true
        order by i.id;
end
$$;

-- What is stored of these terms; and all languages, in rows that have no term.
create or replace function related_terms_of(terms integer[])
    returns table (term integer, narticles bigint, postings bytea, language text, nwords bigint)
    language plpgsql stable
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
as $$
begin
    return query select null::integer, l.narticles, null::bytea, l.language, l.nwords from related_languages l;
    return query
        select t.term, t.narticles, t.postings, null::text, null::bigint
        from unnest(terms) x (term)
        cross join lateral (select y.* from related_terms y where y.term = x.term offset 0) t;
end
$$;

-- A term that no article has any more is deleted.
create or replace function related_write_terms(terms integer[], counts bigint[], all_postings bytea[],
                                               languages text[], articles_of bigint[], words_of bigint[])
    returns void
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
begin
    insert into related_terms (term, narticles, postings)
    select x.term, x.narticles, x.postings
    from unnest(terms, counts, all_postings) x (term, narticles, postings)
    where x.narticles > 0
    on conflict (term) do update set narticles = excluded.narticles, postings = excluded.postings;
    if 0 = any (counts) then
        delete from related_terms
        where term = any (array(select x.term from unnest(terms, counts) x (term, n) where x.n = 0));
    end if;

    insert into related_languages (language, narticles, nwords)
    select * from unnest(languages, articles_of, words_of)
    on conflict (language) do update set narticles = excluded.narticles, nwords = excluded.nwords;
    delete from related_languages where narticles = 0;
end
$$;

-- Stores the terms of articles.
create or replace function related_write_articles(
    version smallint, ids bigint[], times timestamptz[], section_ids bigint[], languages text[], lengths integer[],
    selves real[], title_hashes bigint[], vectors bytea[], other_terms bytea[], stories bytea[])
    returns void
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
declare
    next_revision bigint;
begin
    update related_totals set revision = revision + 1 returning revision into next_revision;
    insert into article_terms (article_id, revision, analysis, published_at, section_id, language, nwords, self,
                               title_hash, vector, others, story)
    select x.id, next_revision, version, x.t, x.section, x.l, x.n, x.self, x.title, x.vector, x.others, x.story
    from unnest(ids, times, section_ids, languages, lengths, selves, title_hashes, vectors, other_terms, stories)
        x (id, t, section, l, n, self, title, vector, others, story)
    on conflict (article_id) do update
    set revision = excluded.revision, analysis = excluded.analysis, published_at = excluded.published_at,
        section_id = excluded.section_id, language = excluded.language, nwords = excluded.nwords, self = excluded.self,
        title_hash = excluded.title_hash, vector = excluded.vector, others = excluded.others, story = excluded.story;
end
$$;

-- Ends the reading of these articles: queues their lists, the lists that they are on, and the lists of the newest
-- articles of their sections that have fewer than `fewest` cards. In bulk, a list that waits in the queue already is not
-- queued again. gone: those that are not published. again: those that have changed meanwhile.
create or replace function related_read_done(
    batch bigint[], gone bigint[], again bigint[], this_turn smallint, fewest smallint)
    returns void
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set plan_cache_mode = force_custom_plan
as $$
begin
    delete from article_terms where article_id = any (gone);
    delete from related_made where article_id = any (gone);
    update related_failures f set retry_at = 'infinity'
    where f.article_id = any (batch)
      and not exists (select from stale_marks m where m.key in (document_key(f.article_id), list_key(f.article_id)));
    insert into related_queue (article_id, needs_reading, turn)
    select b.id, false, this_turn
    from unnest(batch) b (id)
    where exists (select from articles a where a.id = b.id offset 0)
    order by b.id;
    insert into related_queue (article_id, needs_reading, turn)
    select a.id, true, this_turn from unnest(again) a (id) order by a.id;
    if this_turn < 3 then
        insert into related_queue (article_id, needs_reading, turn)
        select distinct r.article_id, false, greatest(this_turn, 1)
        from article_related r
        where r.related_id = any (batch) and r.article_id <> all (batch)
          and (this_turn < 2 or not exists (select from related_queue q where q.article_id = r.article_id offset 0))
        order by 1;
        insert into related_queue (article_id, needs_reading, turn)
        select n.article_id, false, greatest(this_turn, 1)
        from related_newest(array(
            select distinct t.section_id from article_terms t where t.article_id = any (batch)), 40) n
        where n.article_id <> all (batch)
          and exists (select from related_made m where m.article_id = n.article_id offset 0)
          and (select count(*) from article_related r where r.article_id = n.article_id) < fewest
          and (this_turn < 2 or not exists (select from related_queue q where q.article_id = n.article_id offset 0))
        order by 1;
    end if;
end
$$;

-- ---- lists

-- Takes lists out of the queue: of published articles first, then the lists that they enter; then, after all articles
-- are read, the lists of articles written in bulk; at last the lists of the slow pass. All have one turn. The remainders
-- of their ids share them out, so that four callers can make lists at the same time, and no two the same list. A row whose
-- time has not come is left (related_write_lists). revision: of the terms, before the caller reads them.
create or replace function related_take_lists(most integer, only_article bigint default null)
    returns table (article_id bigint, turn smallint, revision bigint)
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set plan_cache_mode = force_custom_plan
    set enable_sort = off
as $$
#variable_conflict use_column
declare
    last_turn smallint := 3;
    this_turn smallint;
    head record;
    batch bigint[] := '{}';
begin
    perform work_begin();
    if exists (select from related_queue q where q.needs_reading and q.turn = 2) then
        last_turn := 1;
    end if;
    for head in
        select l.remainder, q.turn
        from generate_series(0, 3) l (remainder)
        cross join lateral (
            select q.turn, q.id from related_queue q
            where not q.needs_reading and q.article_id % 4 = l.remainder and q.queued_at <= clock_timestamp()
            order by q.turn, q.id limit 1) q
        where q.turn <= last_turn and (only_article is null or l.remainder = only_article % 4)
        order by q.turn, q.id
    loop
        exit when cardinality(batch) >= most or head.turn > this_turn;
        continue when not pg_try_advisory_xact_lock(work_lock(1 + head.remainder));
        this_turn := head.turn;
        batch := batch || array(
            select q.article_id from related_queue q
            where not q.needs_reading and q.article_id % 4 = head.remainder and q.turn = head.turn
              and q.queued_at <= clock_timestamp() and (only_article is null or q.article_id = only_article)
            order by q.turn, q.id limit most - cardinality(batch));
    end loop;
    if cardinality(batch) = 0 then
        return;
    end if;
    return query
        with taken as (
            delete from related_queue q where not q.needs_reading and q.article_id = any (batch)
            returning q.article_id)
        select distinct t.article_id, this_turn, (select r.revision from related_totals r) from taken t;
end
$$;

-- What a score needs of these articles.
create or replace function related_vectors_of(ids bigint[]) returns setof related_vector
    language sql stable
begin atomic
    select t.article_id, t.revision, t.published_at, t.section_id, t.language, t.self, t.title_hash, t.vector
    from article_terms t where t.article_id = any (ids);
end;

-- The same; when PostgreSQL fails, each article by itself, and some articles then come twice. One that can't be read is on
-- no list that is made now.
create or replace function related_vectors(ids bigint[]) returns setof related_vector
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
declare
    article bigint;
begin
    begin
        return query select * from related_vectors_of(ids);
        return;
    exception when others then
        null;
    end;
    foreach article in array ids loop
        begin
            return query select * from related_vectors_of(array[article]);
        exception when others then
            null;
        end;
    end loop;
end
$$;

-- The samples of these articles' texts. When PostgreSQL fails, as related_vectors: an article without one is the same story
-- as no other.
create or replace function related_stories(ids bigint[]) returns table (article_id bigint, story bytea)
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
declare
    article bigint;
begin
    begin
        return query select t.article_id, t.story || '' from article_terms t where t.article_id = any (ids);
        return;
    exception when others then
        null;
    end;
    foreach article in array ids loop
        begin
            return query select t.article_id, t.story || '' from article_terms t where t.article_id = article;
        exception when others then
            null;
        end;
    end loop;
end
$$;

-- The newest articles of these sections, `depth` of each, newest first.
create or replace function related_newest(section_ids bigint[], depth integer)
    returns table (section_id bigint, article_id bigint)
    language plpgsql stable
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_bitmapscan = off
    set enable_sort = off
as $$
begin
    return query
        select s.id, n.id
        from unnest(section_ids) s (id)
        cross join lateral (
            select a.id from articles a
            where a.section_id = s.id and a.status = 'published'
            order by a.published_at desc, a.id desc limit depth) n;
end
$$;

-- The present rows of these lists, found by the first key, whatever the planner knows of the table.
create or replace function related_rows(lists bigint[], out place tid, out row_now article_related)
    returns setof record
    language sql stable
    set search_path = public, pg_temp
    set enable_seqscan = off
    set enable_sort = off
as $$
    select r.place, r.row_now
    from unnest(lists) b (id)
    cross join lateral (
        select x.ctid as place, x as row_now from article_related x where x.article_id = b.id order by x.rank offset 0) r
$$;

-- Which of these lists differ from the present ones?
create or replace function related_differing(batch bigint[], fresh article_related[]) returns bigint[]
    language sql stable
    set search_path = public, pg_temp
begin atomic
    with new_list as (
        select f.article_id, array_agg(f.related_id order by f.rank) as cards from unnest(fresh) f group by 1
    ), old_list as (
        select (r.row_now).article_id, array_agg((r.row_now).related_id order by (r.row_now).rank) as cards
        from related_rows(batch) r group by 1
    )
    select coalesce(array_agg(b.id), '{}')
    from unnest(batch) b (id)
    left join new_list n on n.article_id = b.id
    left join old_list o on o.article_id = b.id
    where n.cards is distinct from o.cards;
end;

-- Writes these lists, which differ, but for those that would have to wait for a transaction that deletes one of the
-- articles, or changes its key. Returns the lists that are written. A locked row cannot be deleted before this
-- transaction ends.
create or replace function related_write(lists bigint[], fresh article_related[]) returns bigint[]
    language plpgsql
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
declare
    articles_locked bigint[];
    old_places tid[];
    old_rows article_related[];
    places_locked tid[];
    free bigint[];
begin
    articles_locked := array(
        select a.id from articles a
        where a.id = any (lists || array(select f.related_id from unnest(fresh) f where f.article_id = any (lists)))
        for key share skip locked);
    select coalesce(array_agg(r.place), '{}'), coalesce(array_agg(r.row_now), '{}') into old_places, old_rows
    from related_rows(lists) r;
    places_locked := array(
        select r.ctid from article_related r where r.ctid = any (old_places) for update skip locked);
    free := array(
        select l.id from unnest(lists) l (id)
        except
        select f.article_id from unnest(fresh) f
        where f.article_id = any (lists)
          and (f.related_id not in (select x.id from unnest(articles_locked) x (id))
               or f.article_id not in (select x.id from unnest(articles_locked) x (id)))
        except
        select (o.row_then).article_id
        from (select unnest(old_places) as place, unnest(old_rows) as row_then) o
        where o.place not in (select x.place from unnest(places_locked) x (place)));

    delete from article_related
    where ctid = any (array(
        select o.place
        from (select unnest(old_places) as place, unnest(old_rows) as r) o
        where (o.r).article_id = any (free)
          and ((o.r).article_id, (o.r).rank, (o.r).related_id)
              not in (select f.article_id, f.rank, f.related_id from unnest(fresh) f)));
    insert into article_related
    select f.*
    from unnest(fresh) f
    where f.article_id = any (free)
      and (f.article_id, f.rank, f.related_id) not in (
        select o.article_id, o.rank, o.related_id from unnest(old_rows) o)
    order by f.article_id, f.rank;
    return free;
end
$$;

-- Which of these lists may an article enter? See related_write_lists.
create or replace function related_entries(ids bigint[], scores real[], revisions bigint[], batch bigint[], list_length smallint)
    returns bigint[]
    language sql stable
    set search_path = public, pg_temp
    set enable_seqscan = off
    set enable_nestloop = off
begin atomic
    with older as materialized ( -- lists that were made before one of the articles was read
        select e.id
        from (select x.id, max(x.revision) as revision from unnest(ids, revisions) x (id, revision) group by x.id) e
        cross join lateral (
            select from related_made y where y.article_id = e.id and y.revision < e.revision offset 0) m
    ), entering as materialized (
        select e.id, max(e.score) as score
        from unnest(ids, scores) e (id, score)
        join older o on o.id = e.id
        where e.id not in (select b.id from unnest(batch) b (id))
        group by e.id
    )
    select coalesce(array_agg(e.id order by e.id), '{}')
    from entering e
    where e.score > coalesce((
        select r.score from article_related r where r.article_id = e.id and r.rank = list_length), 0);
end;

-- Writes lists. batch: the articles whose lists these are; one without a row has an empty list. made_at_revision: the
-- revision of the terms that the lists come from. enter_*: other lists that an article of the batch may enter, with its
-- score there and the revision of its terms: a list is queued when it was made before that, and the score is higher
-- than that of its last card, or the list is short. absent: articles of the batch without terms; the list of one that is
-- published stays as it is.
--
-- made: the number of lists written. Lists that another transaction has locked are queued again, for a second later. A
-- card whose article has been deleted is left out, and the article is read again. failed: articles on which PostgreSQL
-- failed while it wrote documents and lists as JSON, and the reason of the first.
create or replace function related_write_lists(
    version smallint, this_turn smallint, made_at_revision bigint, batch bigint[],
    article_ids bigint[], ranks smallint[], related_ids bigint[], scores real[],
    enter_ids bigint[], enter_scores real[], enter_revisions bigint[], list_length smallint, absent bigint[],
    out made integer, out failed bigint[], out reason text)
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off
    set jit = off
as $$
declare
    existing bigint[] := array(select a.id from articles a where a.id = any (batch || related_ids));
    fresh article_related[] := array(
        select (x.article_id, x.rank, x.related_id, x.score)::article_related
        from unnest(article_ids, ranks, related_ids, scores) x (article_id, rank, related_id, score)
        where x.article_id in (select e.id from unnest(existing) e (id))
          and x.related_id in (select e.id from unnest(existing) e (id)));
    unread bigint[] := array(
        select a.id from (select x.* from articles x where x.id = any (absent) offset 0) a where a.status = 'published');
    lists bigint[] := array(select b.id from unnest(batch) b (id) except select unnest(unread));
    differing bigint[];
    locked bigint[];
begin
    perform set_config('broadsheet.lists', 'later', true); -- stale_work writes them at the end: no marks are needed
    differing := related_differing(lists, fresh);
    locked := array(
        select d.id from unnest(differing) d (id)
        except select w.id from unnest(related_write(differing, fresh)) w (id));

    insert into related_made (article_id, revision, analysis, made_at)
    select x.id, made_at_revision, version, clock_timestamp()
    from (select a.id from articles a
          where a.id = any (lists) and a.status = 'published' for key share skip locked) x
    where x.id not in (select l.id from unnest(locked) l (id))
    on conflict (article_id) do update
    set revision = excluded.revision, analysis = excluded.analysis, made_at = excluded.made_at;

    insert into related_queue (article_id, needs_reading, turn)
    select e.id, false, greatest(this_turn, 1::smallint)
    from unnest(related_entries(enter_ids, enter_scores, enter_revisions, batch, list_length)) e (id)
    where this_turn < 2 or not exists (select from related_queue q where q.article_id = e.id offset 0);
    insert into related_queue (article_id, needs_reading, turn, queued_at)
    select l.id, false, this_turn, clock_timestamp() + interval '1 s' from unnest(locked) l (id);
    insert into related_queue (article_id, needs_reading, turn)
    select d.id, true, greatest(this_turn, 1::smallint)
    from (select unnest(related_ids) as id except select unnest(existing)) d;

    -- The JSON of a list takes little time compared with the list.
    perform stale_work(
        array(select l.key / 16 from change_log l where l.xid = pg_current_xact_id_if_assigned() and l.key % 16 = 1),
        200);
    perform set_config('broadsheet.lists', '', true);
    perform related_recovered();
    made := cardinality(batch) - cardinality(locked);
    select f.failed, f.reason into failed, reason from work_failed_now() f;
end
$$;
