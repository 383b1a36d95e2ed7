-- The new articles in the order of their lines, which is the order of their ids. An article that another session has
-- inserted meanwhile is skipped here, and compared afterwards.
with fresh as (
    insert into articles (slug, section_id, published_at, title, summary, body, image_url, image_alt,
                          image_credit, image_width, image_height, language, corrections)
    select s.slug, x.id, s.published_at, s.title, s.summary, s.body, s.image_url, s.image_alt,
           s.image_credit, s.image_width, s.image_height, s.language, s.corrections
    from staged s
    join sections x on x.name = s.section
    where not exists (select from articles a where a.slug = s.slug)
    order by s.line
    on conflict (slug) do nothing
    returning id, slug
)
insert into changed
select fresh.id, s.line, true
from fresh
join staged s on s.slug = fresh.slug
