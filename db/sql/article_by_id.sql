-- $1 bigint[]: articles as finished JSON; no row for a draft, or for an id that does not exist. The columns: the id, the
-- status, the length of the document in bytes, the entities that it depends on (8 bytes each), and the document.
--
-- A document is null where large_article.sql has to be asked for it: where it is longer than 65,536 bytes, so that a
-- batch has a bounded size, and where it is marked (migrations/functions/05_marks.sql).
select v.article_id, v.status, octet_length(v.document), v.depends_on,
       case when octet_length(v.document) <= 65536
                 and case when (select g.is_open from stale_gates g where g.gate = 'documents' order by g.id desc limit 1)
                          then not exists (
                              select from stale_marks m
                              where m.key = any (keys_unpack(v.depends_on) || document_key(v.article_id)))
                          else true end
            then v.document end
from article_views v
where v.article_id = any ($1) and v.status <> 'draft'
