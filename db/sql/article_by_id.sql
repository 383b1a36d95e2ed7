-- $1 bigint[]: whole articles as finished JSON. An article that does not exist, or is a draft, has no row.
select article_id::bigint,
       status::text,
       case when status = 'published' then octet_length(document) else 0 end::integer as bytes,
       array[]::bigint[] as depends_on,
       case when status = 'published' then document end as document
from article_views
where article_id = any ($1) and status <> 'draft'
