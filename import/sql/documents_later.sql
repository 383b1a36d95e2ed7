-- The documents of articles are written once for each chunk, by write_documents.sql.
set broadsheet.documents = 'later'
