-- $1 bigint[]: whole articles, whatever their status; no row for an id that does not exist.
-- The casts fix the types that the program reads, whatever a later migration makes of the columns.
select a.id::bigint, a.status, a.slug, a.title, a.summary, a.body, s.slug, s.name,
       author.slugs, author.names, tag.slugs, tag.names,
       a.published_at::timestamptz, a.updated_at::timestamptz, a.version::integer
from articles a
join sections s on s.id = a.section_id
cross join lateral (
    select array_agg(u.slug::text order by au.position) as slugs,
           array_agg(u.name::text order by au.position) as names
    from article_authors au
    join authors u on u.id = au.author_id
    where au.article_id = a.id
) author
cross join lateral (
    select array_agg(t.slug::text order by t.name) as slugs,
           array_agg(t.name::text order by t.name) as names
    from article_tags at
    join tags t on t.id = at.tag_id
    where at.article_id = a.id
) tag
where a.id = any ($1)
