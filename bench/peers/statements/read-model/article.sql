-- $1 bigint: a whole article as finished JSON, whatever its status; no row for an id that does not exist. While the gate
-- of the documents is open, a document that is marked is read from the tables (migrations/functions/05_marks.sql).
select v.status, v.document
from article_views v
where v.article_id = $1
  and not (select g.is_open from stale_gates g where g.gate = 'documents' order by g.id desc limit 1)
union all
select v.status, v.document
from article_views_now(array[$1::bigint]) v
where (select g.is_open from stale_gates g where g.gate = 'documents' order by g.id desc limit 1)
