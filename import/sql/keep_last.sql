-- When a slug occurs twice, its last line counts.
delete from staged s
using staged later
where later.slug = s.slug and later.line > s.line
