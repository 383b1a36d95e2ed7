delete from article_authors l
using changed c
where l.article_id = c.article_id and not c.is_new
