update articles a
set section_id = x.id, published_at = s.published_at, title = s.title, summary = s.summary,
    body = s.body, image_url = s.image_url, image_alt = s.image_alt, image_credit = s.image_credit,
    image_width = s.image_width, image_height = s.image_height, language = s.language,
    corrections = s.corrections, version = a.version + 1, updated_at = now()
from changed c
join staged s on s.line = c.line
join sections x on x.name = s.section
where a.id = c.article_id and not c.is_new
