-- Related lists of a bulk in less time, by the same rules (migrations/0004_related_text.sql).
--
--     related_queue --> related_read       the front of what was written in bulk
--                   --> related_parse      what comes next --> related_words --> related_read, later
--
-- Half of reading an article is to parse its text, and reading is one session's at a time: so a second
-- one may parse ahead.

-- +migrate Up

-- The words of articles that are still to be read, and the hash of the text that they were taken from: a
-- text that was written since is parsed again. Only a store: nothing is lost with it.
create unlogged table related_words (
    article_id bigint   not null primary key,
    text_hash  bigint   not null,
    words      tsvector not null
);
alter table related_words alter words set storage external; -- read once: not worth compressing

-- What an article says: the title three times, and of the body no more than a long article has.
-- +migrate StatementBegin
create function related_said(title text, summary text, body text) returns text
    language sql stable parallel safe
return concat_ws(E'\n', title, title, title, summary, left(body, 65536));
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_said_hash(what text, config regconfig) returns bigint
    language sql immutable parallel safe
return hashtextextended(what, config::oid::bigint);
-- +migrate StatementEnd

-- As before, with the words that are there already.
-- +migrate StatementBegin
create or replace function related_lexemes(articles_read bigint[], config regconfig)
    returns table (article_id bigint, term integer, n real, nterms integer)
    language sql stable
begin atomic
    with said as materialized (
        select a.id, coalesce(p.words, to_tsvector(config, x.text)) as words
        from articles a
        cross join lateral (select related_said(a.title, a.summary, a.body) as text offset 0) x
        left join related_words p on p.article_id = a.id and p.text_hash = related_said_hash(x.text, config)
        where a.id = any (articles_read) and a.status = 'published'
    )
    select s.id, hashtext(w.lexeme) | 1, cardinality(w.positions)::real, length(s.words)
    from said s
    cross join unnest(s.words) w
    union all
    select s.id, hashtext(t.tag_id::text) & ~1, null, length(s.words)
    from said s
    join article_tags t on t.article_id = s.id;
end;
-- +migrate StatementEnd

-- Parses up to 500 of the articles that were written in bulk and are read soon, but not at once: behind the
-- first `skip`, and from the entry of the queue behind `after` on. Returns how far it has come, to be
-- called with that again; 0: there is nothing to do now. Forgets the words of what has been read meanwhile. What is parsed ahead is no more
-- than skip + 10,000 articles.
-- +migrate StatementBegin
create function related_parse(after bigint, skip integer default 4000) returns bigint
    language plpgsql as $$
declare
    config regconfig := (select s.language::regconfig from related_settings s);
    batch bigint[];
    reached bigint;
begin
    delete from related_words
    where article_id = any (array(
        select w.article_id from related_words w
        where not exists (select from related_queue q where q.article_id = w.article_id and q.spread)
        for update skip locked));

    select array_agg(distinct q.article_id), max(q.id) into batch, reached
    from (
        select x.article_id, x.id
        from (
            select y.article_id, y.id from related_queue y
            where y.spread and y.turn = 2
            order by y.id offset skip limit 10000) x
        where x.id > after
        order by x.id limit 500) q;

    insert into related_words (article_id, text_hash, words)
    select a.id, related_said_hash(x.text, config), to_tsvector(config, x.text)
    from articles a
    cross join lateral (select related_said(a.title, a.summary, a.body) as text offset 0) x
    where a.id = any (batch) and a.status = 'published'
    on conflict (article_id) do nothing;
    return coalesce(reached, 0);
end
$$;
-- +migrate StatementEnd

-- As before, in three quarters of the time: what a term tells is looked up once for all the articles, and
-- arrays are taken apart where they stand.
-- +migrate StatementBegin
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
    ), has as materialized ( -- the terms of each, those first that tell most
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
    cross join lateral ( -- whom those lead to
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
    cross join lateral ( -- compared in full
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
-- +migrate StatementEnd

-- +migrate Down
-- related_candidates stays as it is.
drop function related_parse(bigint, integer);

-- As in 0004_related_text.sql, which says more about it.
-- +migrate StatementBegin
create or replace function related_lexemes(articles_read bigint[], config regconfig)
    returns table (article_id bigint, term integer, n real, nterms integer)
    language sql stable
begin atomic
    with said as materialized (
        select a.id, to_tsvector(config, concat_ws(E'\n', a.title, a.title, a.title, a.summary,
                                                     left(a.body, 65536))) as words
        from articles a
        where a.id = any (articles_read) and a.status = 'published'
    )
    select s.id, hashtext(w.lexeme) | 1, cardinality(w.positions)::real, length(s.words)
    from said s
    cross join unnest(s.words) w
    union all
    select s.id, hashtext(t.tag_id::text) & ~1, null, length(s.words)
    from said s
    join article_tags t on t.article_id = s.id;
end;
-- +migrate StatementEnd
drop function related_said_hash(text, regconfig);
drop function related_said(text, text, text);
drop table related_words;
