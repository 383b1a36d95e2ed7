-- $1 bigint[]: the related list of each article: the entities on it (8 bytes each), and the cards as finished JSON,
-- best first. No row: the list is empty. While there may be marks on lists (migrations/functions/05_marks.sql), the
-- marked lists are read from the tables, so that a withdrawn article can never appear.
select v.article_id, v.depends_on, v.cards
from related_views v
where v.article_id = any ($1)
  and not (select g.is_open from stale_gates g where g.gate = 'lists' order by g.id desc limit 1)
union all
select v.article_id, v.depends_on, v.cards
from related_views_now($1) v
where (select g.is_open from stale_gates g where g.gate = 'lists' order by g.id desc limit 1)
