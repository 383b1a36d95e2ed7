-- Reads articles: the text of an article becomes terms, and each term keeps the articles in which it weighs most.
--
--     related_read (functions/11_work.sql) --> related_forget: takes an article out of the terms
--                                          --> related_learn: related_lexemes --> article_terms, related_terms
--
-- An article is kept as its 128 best terms: words, stemmed and without stop words as PostgreSQL's text search does it
-- for the language of related_settings, and tags. A term keeps the 32 articles in which it weighs most. The
-- weights are those of BM25.
--
-- The long statements are in plpgsql with generic plans, because a session keeps such a plan. Their text and settings
-- make the plan right for any batch, also when it was made while the tables were empty: it reads rows of tables by
-- their keys, and joins all other rows by hashing.

-- The weight of a term: the rarer the term, the higher the weight.
create or replace function related_idf(narticles bigint, of_all bigint) returns real
    language sql immutable parallel safe
return ln(1 + (greatest(of_all - narticles, 0) + 0.5::float8) / (narticles + 0.5::float8))::real;

-- Removes these articles from the terms. Terms of nearly all articles were not stored, and remain counted.
create or replace function related_forget(articles_read bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
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

-- The text of an article: the title three times, and a limited part of the body.
create or replace function related_text(title text, summary text, body text) returns text
    language sql stable parallel safe
return concat_ws(E'\n', title, title, title, summary, left(body, 65536));

-- The hash of a parsed text: the same text in the same language has the same hash.
create or replace function related_text_hash(what text, configuration regconfig) returns bigint
    language sql immutable parallel safe
return hashtextextended(what, configuration::oid::bigint);

-- The different terms of these articles, and how many times each article has them (a tag: null). Words that
-- related_parse has found before are taken from its table.
create or replace function related_lexemes(articles_read bigint[], configuration regconfig)
    returns table (article_id bigint, term integer, n real, nterms integer)
    language sql stable
begin atomic
    with said as materialized (
        select a.id, coalesce(p.words, to_tsvector(configuration, x.text)) as words
        from (select y.* from articles y where y.id = any (articles_read) offset 0) a
        cross join lateral (select related_text(a.title, a.summary, a.body) as text offset 0) x
        left join lateral (
            select w.words from related_words w
            where w.article_id = a.id and w.text_hash = related_text_hash(x.text, configuration) offset 0) p on true
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

-- Adds these articles to the terms; the terms must not have them yet. A tag weighs as much as a word that occurs four
-- times.
create or replace function related_learn(articles_read bigint[], configuration regconfig) returns void
    language plpgsql
    set search_path = public, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_nestloop = off
    set enable_mergejoin = off
as $$
begin
    with lexeme as materialized (
        select * from related_lexemes(articles_read, configuration)
    ), article as materialized (
        select l.article_id, max(l.nterms) as nterms from lexeme l group by l.article_id
    ), total as (
        update related_totals
        set narticles = related_totals.narticles + a.narticles, nterms = related_totals.nterms + a.nterms,
            revision = related_totals.revision + 1
        from (select count(*) as narticles, coalesce(sum(nterms), 0) as nterms from article) a
        returning related_totals.narticles, related_totals.revision,
            greatest(related_totals.nterms, 1)::float8 / greatest(related_totals.narticles, 1) as mean
    ), term as materialized ( -- each term, with its count including these articles
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
    ), entering as ( -- articles that may be among the heaviest ones of a term
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
    ), sketch as ( -- two bits for each of 64 parts of the words, from the smallest word of the part
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
