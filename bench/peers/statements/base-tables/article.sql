-- $1 bigint: one whole article, whatever its status; no row for an id that does not exist. Corrections are the text of a
-- JSON array: [{"text": ..., "at": ...}].
select a.id, a.status, a.slug::text, a.title, a.summary, a.body,
       a.image_url, a.image_alt, a.image_credit, a.image_width, a.image_height,
       s.slug::text as section_slug, s.name::text as section_name,
       author.slugs as author_slugs, author.names as author_names,
       tag.slugs as tag_slugs, tag.names as tag_names,
       a.language, a.corrections::text as corrections, a.published_at, a.updated_at, a.version
from articles a
join sections s on s.id = a.section_id
cross join lateral (
    select coalesce(array_agg(slug), '{}') as slugs, coalesce(array_agg(name), '{}') as names
    from (
        select u.slug::text, u.name::text
        from article_authors au
        join authors u on u.id = au.author_id
        where au.article_id = a.id
        order by au.position
    ) u
) author
cross join lateral (
    select coalesce(array_agg(slug), '{}') as slugs, coalesce(array_agg(name), '{}') as names
    from (
        select t.slug::text, t.name::text
        from article_tags at
        join tags t on t.id = at.tag_id
        where at.article_id = a.id
        order by t.name collate "C"
    ) t
) tag
where a.id = $1
