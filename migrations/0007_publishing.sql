-- What is published is dealt with in bounded work, and in less of it, by the same rules
-- (migrations/0004_related_text.sql).

-- +migrate Up

-- ---- bounded
-- Where lists are made, joins by nested loops are switched off (related_list). Two statements behind it
-- read every article of the archive then, to join them by hashing. Now what they look up is written as
-- looking up ("offset 0"), which is planned the same whatever the caller has set.

-- Lists that an article has left by being deleted.
-- +migrate StatementBegin
create or replace function related_on_cards() returns trigger
    language plpgsql as $$
begin
    insert into related_queue (article_id, spread, turn)
    select distinct o.article_id, false, 1
    from old_rows o
    where not exists (select from articles a where a.id = o.related_id offset 0)
      and exists (select from articles a where a.id = o.article_id offset 0)
    order by o.article_id;
    return null;
end
$$;
-- +migrate StatementEnd

-- As before (migrations/0004_related_text.sql says what), from the section that is known first.
-- +migrate StatementBegin
create or replace function related_fill(article bigint, chosen bigint[]) returns bigint[]
    language plpgsql stable as $$
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
            exit when cardinality(chosen) >= 6 or depth > 40;
        end loop;
        exit when cardinality(chosen) > 0;
    end loop;
    return chosen;
end
$$;
-- +migrate StatementEnd

-- ---- plans that are kept
-- Half of the time in which one article was read, and its list made, went into planning. Now the publisher's
-- session plans the long statements once: one of plpgsql keeps its plan, one of an SQL function does not. So
-- they are written, and set, such that the plan is right for any batch, also where it was made while the
-- tables were empty: rows of tables by their keys, and all else by hashing. The short ones, which look into
-- the queue, are planned for what is in it.

alter function related_make(bigint[], smallint) set plan_cache_mode = force_generic_plan;

-- +migrate StatementBegin
create or replace function related_forget(articles_read bigint[]) returns void
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
as $$
begin
    with gone as (
        delete from article_terms where article_id = any (articles_read) returning *
    ), term as (
        select x.term, count(*) as n, array_agg(g.article_id) as articles
        from gone g
        cross join unnest(g.terms) x (term)
        group by x.term
    ), total as (
        update related_totals
        set narticles = greatest(related_totals.narticles - g.n, 0),
            nterms = greatest(related_totals.nterms - g.nterms, 0)
        from (select count(*) as n, coalesce(sum(nterms), 0) as nterms from gone) g
        where g.n > 0
    )
    update related_terms t
    set narticles = greatest(t.narticles - term.n, 0),
        articles = array(
            select x.id from unnest(t.articles) with ordinality x (id, n)
            where x.id <> all (term.articles) order by x.n),
        weights = array(
            select x.weight from unnest(t.articles, t.weights) with ordinality x (id, weight, n)
            where x.id <> all (term.articles) order by x.n)
    from term
    where t.term = term.term;
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_lexemes(articles_read bigint[], config regconfig)
    returns table (article_id bigint, term integer, n real, nterms integer)
    language sql stable
begin atomic
    with said as materialized (
        select a.id, coalesce(p.words, to_tsvector(config, x.text)) as words
        from (select y.* from articles y where y.id = any (articles_read) offset 0) a
        cross join lateral (select related_said(a.title, a.summary, a.body) as text offset 0) x
        left join lateral (
            select w.words from related_words w
            where w.article_id = a.id and w.text_hash = related_said_hash(x.text, config) offset 0) p on true
        where a.status = 'published'
    )
    select s.id, hashtext(w.lexeme) | 1, cardinality(w.positions)::real, length(s.words)
    from said s
    cross join unnest(s.words) w
    union all
    select s.id, hashtext(t.tag_id::text) & ~1, null, length(s.words)
    from said s
    cross join lateral (select x.tag_id from article_tags x where x.article_id = s.id offset 0) t;
end;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_learn(articles_read bigint[], config regconfig) returns void
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_nestloop = off
    set enable_mergejoin = off
as $$
begin
    with lexeme as materialized (
        select * from related_lexemes(articles_read, config)
    ), article as materialized (
        select l.article_id, max(l.nterms) as nterms from lexeme l group by l.article_id
    ), total as (
        update related_totals
        set narticles = related_totals.narticles + a.narticles, nterms = related_totals.nterms + a.nterms,
            revision = related_totals.revision + 1
        from (select count(*) as narticles, coalesce(sum(nterms), 0) as nterms from article) a
        returning related_totals.narticles, related_totals.revision,
            greatest(related_totals.nterms, 1)::float8 / greatest(related_totals.narticles, 1) as mean
    ), term as materialized ( -- what is known of each, with these articles counted
        select c.term, c.n + coalesce(t.narticles, 0) as narticles, t.articles, t.weights,
            case when cardinality(t.weights) = 32 then t.weights[32] else 0 end as least,
            related_idf(c.n + coalesce(t.narticles, 0), total.narticles) as idf,
            c.n + coalesce(t.narticles, 0) <= greatest(0.3 * total.narticles, 100) as tells
        from (select l.term, count(*) as n from lexeme l group by l.term) c
        left join lateral (select y.* from related_terms y where y.term = c.term offset 0) t on true
        cross join total
    ), weighed as materialized (
        select x.*, row_number() over (partition by x.article_id order by x.weight * x.idf desc, x.term) as rank
        from (
            select l.article_id, l.term, term.idf, term.least, (case
                when l.n is null then 4 * 2.2 / (4 + 1.2)
                else l.n * 2.2 / (l.n + 1.2 * (0.5 + 0.5 * l.nterms / total.mean)) end)::real as weight
            from lexeme l
            join term on term.term = l.term and term.tells
            cross join total
        ) x
    ), kept as materialized (
        select * from weighed where rank <= 128
    ), entering as ( -- who may be among the heaviest of a term
        select k.term, k.article_id, k.weight
        from (
            select k.*, row_number() over (partition by k.term order by k.weight desc, k.article_id desc) as place
            from kept k
            where k.weight >= k.least
        ) k
        where k.place <= 32
    ), heaviest as (
        select x.term, array_agg(x.article_id order by x.weight desc, x.article_id desc) as articles,
            array_agg(x.weight order by x.weight desc, x.article_id desc) as weights
        from (
            select e.term, e.article_id, e.weight from entering e
            union all
            select t.term, y.article_id, y.weight
            from term t
            cross join unnest(t.articles, t.weights) y (article_id, weight)
            where t.term in (select e.term from entering e)
        ) x
        group by x.term
    ), remembered as (
        insert into related_terms (term, narticles, articles, weights)
        select t.term, t.narticles, coalesce(h.articles[1:32], t.articles, '{}'), coalesce(h.weights[1:32], t.weights, '{}')
        from term t
        left join heaviest h on h.term = t.term
        on conflict (term) do update
        set narticles = excluded.narticles, articles = excluded.articles, weights = excluded.weights
    ), sketch as ( -- two bits for each of 64 parts of the words: of the least of them there
        select b.article_id, bit_or((b.least & 1)::bigint << b.part) as a,
            bit_or((b.least >> 1 & 1)::bigint << b.part) as b
        from (
            select k.article_id, (k.term >> 1) & 63 as part, min(k.term >> 7) as least
            from kept k
            where k.term & 1 = 1
            group by 1, 2
        ) b
        group by b.article_id
    ), of_article as (
        select k.article_id, array_agg(k.term) as terms, array_agg(k.weight) as weights,
            coalesce(sqrt(sum(k.weight * k.weight) filter (where k.term & 1 = 1)), 0)::real as norm
        from kept k
        group by k.article_id
    )
    insert into article_terms (article_id, revision, terms, weights, nterms, norm, sketch_a, sketch_b,
                               title_hash, text_hash)
    select a.id, total.revision, coalesce(o.terms, '{}'), coalesce(o.weights, '{}'), coalesce(x.nterms, 0),
        coalesce(o.norm, 0), coalesce(s.a, 0), coalesce(s.b, 0), hashtext(lower(a.title)),
        hashtextextended(case when char_length(a.body) >= 200 then a.body
            else concat_ws(E'\n', a.title, a.summary, a.body) end, 0)
    from (select y.* from articles y where y.id = any (articles_read) offset 0) a
    cross join total
    left join article x on x.article_id = a.id
    left join of_article o on o.article_id = a.id
    left join sketch s on s.article_id = a.id
    where a.status = 'published';
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_write(batch bigint[], fresh article_related[]) returns void
    language plpgsql volatile as $$
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
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_spread(batch bigint[], candidates related_candidate[], this_turn smallint) returns void
    language plpgsql volatile as $$
begin
    insert into related_queue (article_id, spread, turn)
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
        where (select count(*) from article_related r where r.article_id = n.id) < 6
    )
    select distinct t.id, false, greatest(this_turn, 1::smallint)
    from touched t
    where coalesce((select m.revision from related_made m where m.article_id = t.id), 0) < t.revision
      and t.back > coalesce((select r.score from article_related r where r.article_id = t.id and r.rank = 6), 0)
      and t.id <> all (batch)
      and (this_turn < 2 or not exists (
        select from related_queue q where q.article_id = t.id and q.turn = 2))
    order by 1;
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_are_twins(one bigint, other bigint) returns boolean
    language plpgsql stable as $$
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
-- +migrate StatementEnd

-- +migrate Down
-- The functions stay, for they do what they did, but plan as before.
alter function related_make(bigint[], smallint) reset plan_cache_mode;
alter function related_forget(bigint[]) reset all;
alter function related_learn(bigint[], regconfig) reset all;
