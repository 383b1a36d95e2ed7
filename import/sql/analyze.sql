-- After a large import, so that what follows is planned for the archive as it is now, and not as it was when it was
-- empty.
analyze sections, authors, tags, articles, article_authors, article_views, article_cards, article_related,
    related_views
