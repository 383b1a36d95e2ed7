-- A transaction that changed an article sends a notification on this channel when it commits.
listen broadsheet_changes
