-- $1 bigint[]: articles as finished JSON; no row for a draft, or for an id that does not exist. The columns: the id, the
-- status, the length of the document in bytes, the entities that it depends on (8 bytes each), and the document.
--
-- A document is null when large_article.sql must be asked for it: when it is longer than 65,536 bytes, so that a batch
-- has a bounded size, and when it is marked (migrations/functions/05_marks.sql). The status of a marked article may be
-- old too: it is 'marked' here, and large_article.sql has the right one.
select v.article_id, case when v.is_marked then 'marked' else v.status end, octet_length(v.document), v.depends_on,
       case when octet_length(v.document) <= 65536 and v.status = 'published' and not v.is_marked then v.document end
from (
    select a.article_id, a.status, a.depends_on, a.document,
           case when (select g.is_open from stale_gates g where g.gate = 'documents' order by g.id desc limit 1)
                then exists (
                    select from stale_marks m
                    where m.key = any (keys_unpack(a.depends_on) || document_key(a.article_id)))
                else false end as is_marked
    from article_views a
    where a.article_id = any ($1)
    offset 0 -- so that the look at the gate is in the plan once
) v
where v.status <> 'draft' or v.is_marked
