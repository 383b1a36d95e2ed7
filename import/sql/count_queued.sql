select count(distinct article_id) from related_queue where id > $1
