/* handlers/article_json.h - rows of the database as the JSON of the contract. */
#ifndef HANDLERS_ARTICLE_JSON_H
#define HANDLERS_ARTICLE_JSON_H

#include <json-c/json.h>
#include <libpq-fe.h>

/* How the keys of an answer are spelled, and in which order they stand, is fixed here alone. */

/* A row of db/sql/article_by_id.sql. The caller owns the object; it copies what it needs. */
json_object *article_json(const PGresult *result, int row);

/* Rows of db/sql/related_by_id.sql: an array of cards. Likewise. */
json_object *related_json(const PGresult *result, int row, int nrows);

/* {"article": ..., "related_articles": ...}; takes both. */
json_object *article_answer_json(json_object *article, json_object *related);

/* {"related_articles": ...}; takes it. */
json_object *related_answer_json(json_object *related);

#endif
