-- Before they are compared for good: what another transaction is writing has then been written.
select from articles
where id in (select article_id from differing)
order by id
for update
