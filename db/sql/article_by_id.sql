-- $1 bigint[]: articles as finished JSON; no row for a draft, or for an id that does not exist. A document that is
-- longer than 65,536 bytes is not sent with the others: large_article.sql has it in pieces. While a document may be
-- marked (migrations/functions/05_marks.sql), those that are marked are read from the tables.
with gate as materialized (
    select coalesce((select g.is_open from stale_gates g where g.gate = 'documents' order by g.id desc limit 1), true) as is_open
)
select v.article_id, v.status, case v.status when 'published' then octet_length(v.document) else 0 end,
       v.depends_on, case when v.status = 'published' and octet_length(v.document) <= 65536 then v.document end
from article_views v
where v.article_id = any ($1) and v.status <> 'draft' and not (select is_open from gate)
union all
select v.article_id, v.status, case v.status when 'published' then octet_length(v.document) else 0 end,
       v.depends_on, case when v.status = 'published' and octet_length(v.document) <= 65536 then v.document end
from article_views_now($1) v
where v.status <> 'draft' and (select is_open from gate)
