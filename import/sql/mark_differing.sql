insert into changed
select article_id, line, false
from differing
