-- The new articles in the order of their lines, which is the order of their ids. One that somebody
-- else has inserted since is passed over here, and compared afterwards.
with fresh as (
    insert into articles (slug, section_id, published_at, title, summary, body)
    select s.slug, x.id, s.published_at, s.title, s.summary, s.body
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
