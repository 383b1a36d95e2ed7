-- Lines that differ from their existing article.
create temporary view differing as
select s.line, a.id as article_id
from staged s
join articles a on a.slug = s.slug
join sections x on x.id = a.section_id
where not exists (select from changed c where c.article_id = a.id)
  and ((a.title, a.summary, a.body, a.published_at, x.name::text)
           is distinct from (s.title, s.summary, s.body, s.published_at, s.section)
    or (a.image_url, a.image_alt, a.image_credit, a.image_width, a.image_height, a.language, a.corrections)
           is distinct from
       (s.image_url, s.image_alt, s.image_credit, s.image_width, s.image_height, s.language, s.corrections)
    or array(select n.name::text
             from article_authors l join authors n on n.id = l.author_id
             where l.article_id = a.id
             order by l.position)
           is distinct from s.authors
    or array(select n.name::text collate "C"
             from article_tags l join tags n on n.id = l.tag_id
             where l.article_id = a.id
             order by 1)
           is distinct from array(select t collate "C" from unnest(s.tags) t order by 1))
