-- $1 bigint: an article as finished JSON, {head},"body":{body as JSON}{tail}; no row for an id that does not exist.
select a.status, v.head, a.body, v.tail
from articles a
join article_views v on v.article_id = a.id
where a.id = $1
