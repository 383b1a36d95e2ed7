delete from article_tags l
using changed c
where l.article_id = c.article_id and not c.is_new
