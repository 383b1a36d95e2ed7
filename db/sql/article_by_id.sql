-- $1 bigint[]: whole articles, whatever their status; no row for an id that does not exist. What
-- stands before and behind the body is finished JSON (migrations/0003_changes.sql).
select a.id::bigint, a.status, v.head, a.body, v.tail
from articles a
join article_views v on v.article_id = a.id
where a.id = any ($1)
