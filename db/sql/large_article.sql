-- $1 bigint: one article of any length, its document in pieces of at most 65,536 bytes, in their order.
-- A withdrawn article has one row without a piece.
select v.status::text,
       octet_length(v.document)::integer as bytes,
       array[]::bigint[] as depends_on,
       case when v.status = 'published' then substring(v.document from i * 65536 + 1 for 65536) end as piece
from (select status, convert_to(document, 'UTF8') as document
      from article_views
      where article_id = $1 and status <> 'draft'
      offset 0) v
cross join lateral
    generate_series(0, case when v.status = 'published' then (octet_length(v.document) - 1) / 65536 else 0 end) i
order by i
