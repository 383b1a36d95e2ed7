-- $1 bigint: the document of an article in pieces of 65,536 bytes.
with found as materialized (
    select article_id, status,
           case when status = 'published' then convert_to(document, 'UTF8') end as bytes
    from article_views
    where article_id = $1 and status <> 'draft'
)
select f.status,
       coalesce(length(f.bytes), 0),
       array(select section_id::bigint * 16 + 2 from articles where id = f.article_id
             union all select author_id::bigint * 16 + 3 from article_authors where article_id = f.article_id
             union all select tag_id::bigint * 16 + 4 from article_tags where article_id = f.article_id),
       substr(f.bytes, piece * 65536 + 1, 65536)
from found f
cross join generate_series(0, greatest((coalesce(length(f.bytes), 0) - 1) / 65536, 0)) piece
order by piece
