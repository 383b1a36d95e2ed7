-- $1 bigint: the cards of one article's related list, best first.
select a.id, a.slug::text, a.title, a.summary,
       a.image_url, a.image_alt, a.image_credit, a.image_width, a.image_height,
       s.slug::text as section_slug, s.name::text as section_name, a.published_at
from article_related r
join articles a on a.id = r.related_id and a.status = 'published'
join sections s on s.id = a.section_id
where r.article_id = $1
order by r.rank
