insert into article_authors (article_id, position, author_id)
select c.article_id, l.position, n.id
from changed c
join staged s on s.line = c.line
cross join unnest(s.authors) with ordinality as l (name, position)
join authors n on n.name = l.name
