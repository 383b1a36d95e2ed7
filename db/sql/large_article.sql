-- $1 bigint: an article, its document in pieces of at most 65,536 bytes, in their order; each row also has the
-- length of the whole. A withdrawn article has one row without a piece.
select v.status, octet_length(v.bytes), v.depends_on, substring(v.bytes from piece.start for 65536)
from (
    select n.status, n.depends_on,
           case when n.status = 'published' then convert_to(n.document, 'UTF8') end as bytes
    from article_views_now(array[$1]) n
    where n.status <> 'draft'
    offset 0
) v
cross join lateral generate_series(1, greatest(octet_length(v.bytes), 1), 65536) piece (start)
order by piece.start
