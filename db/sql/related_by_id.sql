-- $1 bigint[]: each article's related list: the keys of its articles, and the cards as finished JSON, best
-- first. A list that is stale is joined (migrations/0005_finished.sql), so that an article that was
-- withdrawn can never appear.
select l.article_id::bigint,
       array(select ('x' || encode(substr(l.ids, 8 * i + 1, 8), 'hex'))::bit(64)::bigint * 16 + 1
             from generate_series(0, length(l.ids) / 8 - 1) i),
       l.cards
from (
    select article_id, ids, cards
    from related_views
    where article_id = any ($1) and not exists (select from related_stale)
    union all
    select article_id, ids, cards
    from related_views_now($1)
    where exists (select from related_stale)
) l
