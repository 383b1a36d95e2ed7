-- Locks the articles before the final comparison, so that the changes of other transactions have committed.
select from articles
where id in (select article_id from differing)
order by id
for update
