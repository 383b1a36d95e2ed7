-- Views of articles are written once a chunk, by write_views.sql.
set broadsheet.views = 'later'
