insert into related_queue (article_id, spread)
select article_id, true
from changed
order by article_id
