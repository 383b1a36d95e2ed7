-- Makes related lists from the terms of articles.
--
--     related_make: related_candidates --> related_choice --> related_fill, when a list is short
--                   --> related_lock, related_write --> related_enter: the lists that the article may enter
--
-- The work is bounded for an archive of any size: it reads the articles that are stored with an article's 64 best
-- terms, and compares the best 24 of them with the article in full.
--
-- The planner's statistics do not cover batches. Rows of tables are looked up one by one, by their keys ("offset 0"
-- keeps the planner from other joins); all other rows are joined by hashing.

-- The weight of the distance in time for a reader of an article: half at six years, and less for a later article,
-- because readers want earlier articles more often than later ones.
create or replace function related_nearness(of_article timestamptz, of_related timestamptz) returns float8
    language sql immutable parallel safe
return case when of_related > of_article then 0.75 else 1 end
    / sqrt(1 + abs(extract(epoch from of_related - of_article)::float8) / (2 * 365.25 * 86400));

-- Is one text the same story as the other, sent again or updated?
create or replace function related_is_twin(likeness float8, same_title boolean, same_text boolean) returns boolean
    language sql immutable parallel safe
return same_text or coalesce(likeness, 0) >= case when same_title then 0.5 else 0.8 end;

-- May two texts be the same story? Of 64 pairs of bits, up to 18 may differ by accident.
create or replace function related_may_be_twins(a1 bigint, b1 bigint, a2 bigint, b2 bigint) returns boolean
    language sql immutable parallel safe
return bit_count(((a1 # a2) | (b1 # b2))::bit(64)) <= 18;

-- Compares two articles by their words.
create or replace function related_are_twins(one bigint, other bigint) returns boolean
    language plpgsql stable
    set search_path = public, pg_temp
as $$
begin
    return (
        select related_is_twin((
                select sum(x.weight * y.weight)
                from unnest(a.terms, a.weights) x (term, weight)
                join unnest(b.terms, b.weights) y (term, weight) on y.term = x.term
                where x.term & 1 = 1) / nullif(a.norm * b.norm, 0), a.title_hash = b.title_hash, a.text_hash = b.text_hash)
        from article_terms a, article_terms b
        where a.article_id = one and b.article_id = other
          and related_may_be_twins(a.sketch_a, a.sketch_b, b.sketch_a, b.sketch_b));
end
$$;

-- The candidates for the lists of these articles. The weight of a term is looked up once for all of them.
create or replace function related_candidates(articles_wanted bigint[], max_terms integer, max_heaviest integer, max_finalists integer)
    returns setof related_candidate
    language sql stable
begin atomic
    with term as materialized (
        select w.id, x.term, x.weight
        from unnest(articles_wanted) w (id)
        cross join lateral (
            select unnest(t.terms) as term, unnest(t.weights) as weight
            from article_terms t where t.article_id = w.id offset 0
        ) x
    ), idf as materialized (
        select r.term, related_idf(r.narticles, g.narticles) as idf
        from (select distinct t.term from term t) d
        cross join lateral (select y.term, y.narticles from related_terms y where y.term = d.term offset 0) r
        cross join related_totals g
    ), has as materialized ( -- the terms of each, those with the highest weight first
        select o.id, array_agg(o.term) as terms, array_agg(o.weight) as weights, array_agg(o.tells) as tells
        from (
            select t.id, t.term, t.weight, t.weight * i.idf as tells
            from term t
            join idf i on i.term = t.term
            order by t.id, tells desc, t.term
        ) o
        group by o.id
    )
    select has.id, c.related_id,
        (c.score * related_nearness(a.published_at, c.published_at))::real,
        (c.score * related_nearness(c.published_at, a.published_at))::real,
        related_is_twin(c.product / nullif(t.norm * c.norm, 0), t.title_hash = c.title_hash, t.text_hash = c.text_hash),
        c.sketch_a, c.sketch_b
    from has
    cross join lateral (
        select x.norm, x.title_hash, x.text_hash from article_terms x where x.article_id = has.id offset 0
    ) t
    cross join lateral (
        select x.published_at from articles x where x.id = has.id and x.status = 'published' offset 0
    ) a
    cross join lateral ( -- the articles of these terms
        select array_agg(y.related_id) as articles
        from (
            select p.related_id
            from unnest(has.terms[1:max_terms], has.tells[1:max_terms]) x (term, tells)
            cross join lateral (
                select unnest(y.articles[1:max_heaviest]) as related_id, unnest(y.weights[1:max_heaviest]) as weight
                from related_terms y where y.term = x.term offset 0
            ) p
            where p.related_id <> has.id
            group by p.related_id
            order by sum(x.tells * p.weight) desc, p.related_id desc
            limit max_finalists
        ) y
    ) finalist
    cross join lateral ( -- the comparison in full
        select f.related_id, f.published_at, f.norm, f.sketch_a, f.sketch_b, f.title_hash, f.text_hash,
            sum(f.weight * x.tells) as score,
            sum(f.weight * x.weight) filter (where f.term & 1 = 1) as product
        from (
            select y.related_id, z.norm, z.sketch_a, z.sketch_b, z.title_hash, z.text_hash, b.published_at,
                unnest(z.terms) as term, unnest(z.weights) as weight
            from unnest(finalist.articles) y (related_id)
            cross join lateral (select x.* from article_terms x where x.article_id = y.related_id offset 0) z
            cross join lateral (
                select x.published_at from articles x where x.id = y.related_id and x.status = 'published' offset 0
            ) b
            offset 0
        ) f
        join unnest(has.terms, has.weights, has.tells) x (term, weight, tells) on x.term = f.term
        group by f.related_id, f.published_at, f.norm, f.sketch_a, f.sketch_b, f.title_hash, f.text_hash
    ) c;
end;

-- The lists that the candidates make: the best ones, without the same story as the article or as a better candidate.
create or replace function related_choice(candidates related_candidate[]) returns setof article_related
    language sql stable
begin atomic
    with ranked as materialized (
        select c.*
        from (
            select x.article_id, x.related_id, x.score, x.sketch_a, x.sketch_b,
                row_number() over (partition by x.article_id order by x.score desc, x.related_id desc) as n
            from unnest(candidates) x
            where not x.is_twin
        ) c
        where c.n <= 12
    ), twin as materialized (
        select distinct p.article_id, p.related_id
        from (
            select other.article_id, other.related_id, better.related_id as better_id
            from ranked better
            join ranked other on other.article_id = better.article_id
            where better.n < other.n and related_may_be_twins(better.sketch_a, better.sketch_b, other.sketch_a, other.sketch_b)
            offset 0
        ) p
        where related_are_twins(p.better_id, p.related_id)
    )
    select l.article_id, l.rank::smallint, l.related_id, l.score
    from (
        select r.article_id, r.related_id, r.score, row_number() over (partition by r.article_id order by r.n) as rank
        from ranked r
        left join twin t on t.article_id = r.article_id and t.related_id = r.related_id
        where t.article_id is null
    ) l
    where l.rank <= related_list_length();
end;

-- Fills a list that is short with the newest articles of the section that are not the same story as the article or as
-- an article on the list. When the newest ones are all the same story, the search continues until there is one card,
-- but it stops after a thousand articles.
create or replace function related_fill(article bigint, chosen bigint[]) returns bigint[]
    language plpgsql stable
    set search_path = public, pg_temp
as $$
declare
    section bigint := (select a.section_id from articles a where a.id = article and a.status = 'published');
    depth integer;
    newest record;
begin
    foreach depth in array '{40,1000}'::integer[] loop
        for newest in
            select n.id
            from article_terms own
            cross join lateral (
                select b.id
                from articles b
                where b.section_id = section and b.status = 'published' and b.id <> article
                order by b.published_at desc, b.id desc
                limit depth
            ) n
            cross join lateral (select x.text_hash from article_terms x where x.article_id = n.id offset 0) t
            where own.article_id = article and t.text_hash <> own.text_hash
        loop
            continue when newest.id = any (chosen) or related_are_twins(article, newest.id)
                or exists (select from unnest(chosen) c (id) where related_are_twins(c.id, newest.id));
            chosen := chosen || newest.id;
            exit when cardinality(chosen) >= related_list_length() or depth > 40;
        end loop;
        exit when cardinality(chosen) > 0;
    end loop;
    return chosen;
end
$$;

-- Which of these lists can be written without waiting for a transaction that deletes one of the articles, or changes
-- its key? Locks the rows that they need: a locked row cannot be deleted before this transaction ends.
create or replace function related_lock(batch bigint[], fresh article_related[]) returns bigint[]
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    locked bigint[];
    rows_locked tid[];
    free bigint[];
begin
    select array_agg(x.id) into locked
    from (
        select a.id from articles a
        where a.id = any (batch || array(select f.related_id from unnest(fresh) f))
        for key share skip locked
    ) x;
    select array_agg(x.row) into rows_locked
    from (
        select r.ctid as row from article_related r where r.article_id = any (batch) for update skip locked
    ) x;
    select array_agg(b.id) into free
    from unnest(batch) b (id)
    where b.id not in (
            select f.article_id from unnest(fresh) f
            where f.related_id not in (select l.id from unnest(locked) l (id))
               or f.article_id not in (select l.id from unnest(locked) l (id)))
      and b.id not in (
            select r.article_id from article_related r
            where r.article_id = any (batch) and r.ctid not in (select l.id from unnest(rows_locked) l (id)));
    return coalesce(free, '{}');
end
$$;

-- Writes the rows of these lists that differ.
create or replace function related_write(batch bigint[], fresh article_related[]) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    delete from article_related r
    where r.article_id = any (batch)
      and (r.article_id, r.rank, r.related_id) not in (select f.article_id, f.rank, f.related_id from unnest(fresh) f);
    insert into article_related
    select f.*
    from unnest(fresh) f
    where f.article_id = any (batch)
      and (f.article_id, f.rank) not in (
        select r.article_id, r.rank from article_related r where r.article_id = any (batch))
    order by f.article_id, f.rank;
end
$$;

-- Queues the lists that these articles may enter, and that were made before the articles were read: the lists of
-- similar articles where the new article has a higher score than the last one on the list; and the short lists of the
-- newest articles of their sections.
create or replace function related_enter(batch bigint[], candidates related_candidate[], this_turn smallint) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    insert into related_queue (article_id, needs_reading, turn)
    with fresh as materialized (
        select t.article_id, t.revision, a.section_id
        from unnest(batch) b (id)
        cross join lateral (select x.* from article_terms x where x.article_id = b.id offset 0) t
        cross join lateral (select x.section_id from articles x where x.id = b.id offset 0) a
    ), touched as (
        select c.related_id as id, f.revision, c.back
        from unnest(candidates) c
        join fresh f on f.article_id = c.article_id
        where not c.is_twin
        union all
        select n.id, s.revision, 'infinity'
        from (select f.section_id, max(f.revision) as revision from fresh f group by f.section_id) s
        cross join lateral (
            select a.id from articles a
            where a.section_id = s.section_id and a.status = 'published'
            order by a.published_at desc, a.id desc limit 40
        ) n
        where (select count(*) from article_related r where r.article_id = n.id) < related_list_length()
    )
    select distinct t.id, false, greatest(this_turn, 1::smallint)
    from touched t
    where coalesce((select m.revision from related_made m where m.article_id = t.id), 0) < t.revision
      and t.back > coalesce((select r.score from article_related r where r.article_id = t.id and r.rank = related_list_length()), 0)
      and t.id <> all (batch)
      and (this_turn < 2 or not exists (
        select from related_queue q where q.article_id = t.id and q.turn = 2))
    order by 1;
end
$$;

-- Makes the lists of these articles. Returns how many it made. Lists that another transaction has locked are queued
-- again, after all that wait.
create or replace function related_make(batch bigint[], this_turn smallint) returns integer
    language plpgsql
    set search_path = public, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    read_revision bigint := (select revision from related_totals);
    candidates related_candidate[];
    fresh article_related[];
    free bigint[];
begin
    -- When thousands wait, lists are made with slightly less precision.
    if this_turn = 2 and exists (select from related_queue where not needs_reading and turn = 2 offset 10000) then
        select array_agg(c) into candidates from related_candidates(batch, 32, 24, 12) c;
    else
        select array_agg(c) into candidates from related_candidates(batch, 64, 32, 24) c;
    end if;
    select array_agg(l) into fresh from related_choice(candidates) l;

    select fresh || array_agg((s.article_id, f.n, f.id, 0)::article_related) into fresh
    from (
        select b.id as article_id, array_remove(array_agg(l.related_id order by l.rank), null) as chosen
        from unnest(batch) b (id)
        left join unnest(fresh) l on l.article_id = b.id
        group by b.id
        having count(l.related_id) < related_list_length()
    ) s
    cross join lateral unnest(related_fill(s.article_id, s.chosen)) with ordinality f (id, n)
    where f.n > cardinality(s.chosen);

    free := related_lock(batch, fresh);
    perform related_write(free, fresh);
    insert into related_made (article_id, revision)
    select a.id, read_revision
    from unnest(free) b (id)
    cross join lateral (select x.id from articles x where x.id = b.id and x.status = 'published' offset 0) a
    on conflict (article_id) do update set revision = excluded.revision;
    perform related_enter(free, candidates, this_turn);

    if cardinality(free) < cardinality(batch) then
        insert into related_queue (article_id, needs_reading, turn)
        select b.id, false, this_turn from unnest(batch) b (id) where b.id <> all (free);
    end if;
    return cardinality(free);
end
$$;
