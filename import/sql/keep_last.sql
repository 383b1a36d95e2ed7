-- A slug that is there twice: its last line wins.
delete from staged s
using staged later
where later.slug = s.slug and later.line > s.line
