-- $1 text: the slug of an article that has readers, or had them.
select id
from articles
where slug = $1 and status <> 'draft'
