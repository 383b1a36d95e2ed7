-- $1 bigint[]: the related list of each article, best first. The cards are joined here and not kept,
-- so that an article that was withdrawn can never appear.
select r.article_id::bigint, a.id::bigint, a.slug, a.title, a.summary, s.slug, s.name,
       a.published_at::timestamptz
from article_related r
join articles a on a.id = r.related_id and a.status = 'published'
join sections s on s.id = a.section_id
where r.article_id = any ($1)
order by r.article_id, r.rank
