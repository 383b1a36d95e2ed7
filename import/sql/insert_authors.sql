-- In the order of names, so that two imports of the same names cannot deadlock, and so that the same names get the same
-- slugs.
insert into authors (name)
select s.name
from (select distinct unnest(authors) as name from staged) s
where not exists (select from authors x where x.name = s.name)
order by s.name collate "C"
on conflict (name) do nothing
