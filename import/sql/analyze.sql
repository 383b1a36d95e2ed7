-- After a large import, PostgreSQL must plan the following statements for the present archive, and not for an empty
-- one.
analyze sections, authors, tags, articles, article_authors, article_views, article_cards, article_related,
    related_views
