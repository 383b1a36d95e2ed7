-- The channel on which a transaction that changed an article says so when it commits.
listen broadsheet_changes
