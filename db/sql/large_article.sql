-- $1 bigint: an article, its document in pieces of at most 65,536 bytes, in their order. Each row also has the status,
-- the length of the whole document, and the entities that it depends on. A withdrawn article has one row without a
-- piece. A marked document is read from the tables.
select v.status, coalesce(octet_length(v.bytes), 0), v.depends_on, substring(v.bytes from piece.start for 65536)
from (
    select n.status, n.depends_on,
           case when n.status = 'published' then convert_to(n.document, 'UTF8') end as bytes
    from article_views_now(array[$1]) n
    where n.status <> 'draft'
    offset 0
) v
cross join lateral generate_series(1, greatest(octet_length(v.bytes), 1), 65536) piece (start)
order by piece.start
