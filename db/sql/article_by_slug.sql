-- $1 text: the slug of an article that readers can see now, or could see once.
select id::bigint
from articles
where slug = $1 and status <> 'draft'
