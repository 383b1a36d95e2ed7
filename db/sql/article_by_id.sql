-- $1 bigint[]: whole articles as finished JSON; no row for drafts and for ids that do not exist.
select v.article_id::bigint,
       v.status,
       case when v.status = 'published' then octet_length(v.document) else 0 end,
       array(select section_id::bigint * 16 + 2 from articles where id = v.article_id
             union all select author_id::bigint * 16 + 3 from article_authors where article_id = v.article_id
             union all select tag_id::bigint * 16 + 4 from article_tags where article_id = v.article_id),
       case when v.status = 'published' and octet_length(v.document) <= 65536 then v.document end
from article_views v
where v.article_id = any ($1) and v.status <> 'draft'
