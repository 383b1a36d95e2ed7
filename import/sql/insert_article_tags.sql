insert into article_tags (article_id, tag_id, published_at)
select c.article_id, n.id, s.published_at
from changed c
join staged s on s.line = c.line
cross join unnest(s.tags) as l (name)
join tags n on n.name = l.name
