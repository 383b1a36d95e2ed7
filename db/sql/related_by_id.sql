-- $1 bigint[]: each article's related list: the entities that are on it, and the cards as finished JSON, best first.
-- No row: the list is empty. While a list may be marked (migrations/functions/05_marks.sql), those that are marked
-- are read from the tables, so that an article that was withdrawn can never appear.
with gate as materialized (
    select coalesce((select g.is_open from stale_gates g where g.gate = 'lists' order by g.id desc limit 1), true) as is_open
)
select v.article_id, v.depends_on, v.cards
from related_views v
where v.article_id = any ($1) and not (select is_open from gate)
union all
select v.article_id, v.depends_on, v.cards
from related_views_now($1) v
where (select is_open from gate)
