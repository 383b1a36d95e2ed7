-- Related lists: computed when articles are written, never when they are read.
--
--     an article is written --> related_queue --> related_refresh()  spread:  whose lists does it touch?
--                                                                    compute: the best six of each list
--
-- What makes two articles related is in related_newest, related_weight and related_lists alone. All
-- work is bounded by two numbers, 64 newest articles of a tag and 1,000 counted ones, so that one
-- article costs the same whether the archive is small or large.

-- +migrate Up
create index related_queue_article on related_queue (article_id);
create index related_queue_spread on related_queue (id) where spread;

-- The articles by which a tag is represented in the search: its newest 64.
-- +migrate StatementBegin
create function related_newest(tag bigint) returns table (article_id bigint, published_at timestamptz)
    language sql stable
begin atomic
    select x.article_id, x.published_at
    from article_tags x
    where x.tag_id = tag
    order by x.published_at desc, x.article_id desc
    limit 64;
end;
-- +migrate StatementEnd

-- What sharing a tag counts: the rarer the tag, the more. In thousandths, so that sums are exact and
-- equals are equal.
-- +migrate StatementBegin
create function related_weight(tag bigint) returns table (weight integer)
    language sql stable
begin atomic
    select round(1000 * ln(1 + 1000.0::float8 / count(*)))::integer
    from (select from article_tags x where x.tag_id = tag limit 1000) counted;
end;
-- +migrate StatementEnd

-- The related lists of some articles, as article_related has them: by the weight of the shared tags,
-- newer first among equals. Neither is an article that is not published in a list, nor has it one.
-- +migrate StatementBegin
create function related_lists(articles_wanted bigint[]) returns setof article_related
    language sql stable
begin atomic
    with wanted as materialized (
        select t.article_id, t.tag_id
        from article_tags t
        join articles a on a.id = t.article_id and a.status = 'published'
        where t.article_id = any (articles_wanted)
    ), tag as materialized (
        select w.tag_id, r.weight
        from (select distinct tag_id from wanted) w
        cross join lateral related_weight(w.tag_id) r
    ), candidate as materialized (
        select tag.tag_id, tag.weight, n.article_id, n.published_at
        from tag
        cross join lateral related_newest(tag.tag_id) n
        join articles a on a.id = n.article_id and a.status = 'published'
    ), pair as (
        select w.article_id, c.article_id as related_id, c.published_at, sum(c.weight) as score
        from wanted w
        join candidate c on c.tag_id = w.tag_id and c.article_id <> w.article_id
        group by w.article_id, c.article_id, c.published_at
    ), ranked as (
        select pair.*, row_number() over (
            partition by article_id order by score desc, published_at desc, related_id desc) as rank
        from pair
    )
    select article_id, rank::smallint, related_id, score::real
    from ranked
    where rank <= 6;
end;
-- +migrate StatementEnd

-- Whose lists must be computed again because these articles changed: the lists that have one of them
-- now, and the lists that one of them would enter, less those that wait in the queue already. Whether
-- it would enter is asked of today's weights for both, the newcomer and the last of the list: a stored
-- score is of the day when it was computed, and each new article makes its tags less rare.
-- +migrate StatementBegin
create function related_touched(articles_changed bigint[]) returns setof bigint
    language sql stable
begin atomic
    with changed as materialized (
        select t.article_id, t.tag_id
        from article_tags t
        join articles a on a.id = t.article_id and a.status = 'published'
        where t.article_id = any (articles_changed)
    ), newest as materialized (
        select tag.tag_id, n.article_id, n.published_at
        from (select distinct tag_id from changed) tag
        cross join lateral related_newest(tag.tag_id) n
    ), open as materialized (
        select n.tag_id, n.article_id
        from newest n
        where not exists (select from related_queue q where q.article_id = n.article_id)
    ), entering as materialized ( -- who might enter a list, and by which tags
        select open.article_id, n.article_id as related_id, n.published_at, n.tag_id
        from open
        join newest n on n.tag_id = open.tag_id and n.article_id <> open.article_id
        join changed c on c.article_id = n.article_id and c.tag_id = n.tag_id
    ), last as materialized ( -- who would have to leave a full one
        select r.article_id, r.related_id, a.published_at
        from article_related r
        join articles a on a.id = r.related_id
        where r.rank = 6 and r.article_id = any (array(select article_id from open))
    ), leaving as materialized ( -- and by which tags it is there; "offset 0": look each up by article
        select l.article_id, l.related_id, l.published_at, own.tag_id
        from last l
        cross join lateral (select x.tag_id from article_tags x where x.article_id = l.article_id offset 0) own
        cross join lateral (select x.tag_id from article_tags x where x.article_id = l.related_id offset 0) its
        where own.tag_id = its.tag_id
    ), tag as materialized (
        select t.tag_id, r.weight
        from (select tag_id from leaving union select tag_id from entering) t
        cross join lateral related_weight(t.tag_id) r
    ), worst as (
        select l.article_id, l.related_id, l.published_at, sum(tag.weight) as score
        from leaving l
        join tag on tag.tag_id = l.tag_id
        group by l.article_id, l.related_id, l.published_at
    ), best as (
        select e.article_id, e.related_id, e.published_at, sum(tag.weight) as score
        from entering e
        join tag on tag.tag_id = e.tag_id
        group by e.article_id, e.related_id, e.published_at
    )
    select b.article_id
    from best b
    left join worst w on w.article_id = b.article_id
    where w.article_id is null
       or (b.score, b.published_at, b.related_id) > (w.score, w.published_at, w.related_id)
    union
    select r.article_id
    from article_related r
    where r.related_id = any (articles_changed)
      and not exists (select from related_queue q where q.article_id = r.article_id);
end;
-- +migrate StatementEnd

-- Works off the queue: the lists of up to so many articles are computed, and where the lists of
-- others are touched by a change those are queued. Returns how many articles it dealt with; 0 says
-- that the queue is empty.
--
-- One at a time in a database, so that no two compute the same list from different sights of the
-- archive: another caller waits for the end of this one's transaction (its lock_timeout and
-- statement_timeout apply). All of a call is in one transaction: what dies half way is in the queue
-- as before. An article that is queued once more meanwhile stays queued.
-- +migrate StatementBegin
create function related_refresh(max_articles integer) returns integer
    language plpgsql
    set plan_cache_mode = force_custom_plan -- plans follow the size of the batch and of the tables
    set work_mem = '64MB'
    set jit = off
as $$
declare
    batch bigint[];
    rows_taken bigint[];
    fresh article_related[];
begin
    if max_articles is null or max_articles < 1 then
        raise exception 'related_refresh takes 1 article or more, not %', max_articles;
    end if;
    perform pg_advisory_xact_lock('related_queue'::regclass::bigint);

    -- First what spreads, for it is cheap to find out whose lists are touched while those are queued
    -- still. The articles go back into the queue as ones that have been spread.
    select array_agg(id), array_agg(distinct article_id) into rows_taken, batch
    from (select id, article_id from related_queue where spread order by id limit max_articles) q;
    if batch is not null then
        insert into related_queue (article_id, spread)
        select touched, false from related_touched(batch) touched order by touched;
        delete from related_queue where id = any (rows_taken);
        insert into related_queue (article_id, spread)
        select article_id, false
        from unnest(batch) as b (article_id)
        where not exists (select from related_queue q where q.article_id = b.article_id)
        order by article_id;
        if exists (select from related_queue where spread) then
            return cardinality(batch);
        end if;
    end if;

    with first as (
        select article_id from related_queue where not spread order by id limit max_articles
    ), taken as (
        delete from related_queue q
        where not q.spread and q.article_id = any (array(select article_id from first))
        returning q.article_id
    )
    select array_agg(distinct article_id) into batch from taken;
    if batch is null then
        return 0;
    end if;

    select array_agg(l) into fresh from related_lists(batch) l;
    delete from article_related r
    where r.article_id = any (batch)
      and not exists (
        select from unnest(fresh) f
        where f.article_id = r.article_id and f.rank = r.rank and f.related_id = r.related_id);
    insert into article_related
    select f.*
    from unnest(fresh) f
    where not exists (
        select from article_related r where r.article_id = f.article_id and r.rank = f.rank)
    order by f.article_id, f.rank;
    return cardinality(batch);
end
$$;
-- +migrate StatementEnd

-- +migrate Down
drop function related_refresh(integer);
drop function related_touched(bigint[]);
drop function related_lists(bigint[]);
drop function related_weight(bigint);
drop function related_newest(bigint);
drop index related_queue_spread;
drop index related_queue_article;
