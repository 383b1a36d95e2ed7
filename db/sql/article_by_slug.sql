-- $1 text: the address of an article that has, or had, readers.
select id::bigint
from articles
where slug = $1 and status <> 'draft'
