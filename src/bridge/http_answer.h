/* What all answers over HTTP have in common: when they were made, who may keep
 * them, which pages may read them, what becomes of the connection (doc/
 * http-conformance). */
#ifndef BRIDGE_HTTP_ANSWER_H
#define BRIDGE_HTTP_ANSWER_H

#include "base/buffer.h"
#include "base/moment.h"
#include "proto/problem.h"

struct client;

/* For whatever depends on a key or changes: a cache in front of weir does not
 * know that x-api-key is a credential. */
#define HTTP_ANSWER_CACHE_NOT "no-store"

/* Begin an answer to the client's request, which may not have come wholly:
 * status, Date, Cache-Control, Connection where it must be told, and what lets
 * a page of another origin read it. Further fields are appended to what is
 * returned; then http_answer_end(). */
struct buffer *http_answer_begin(struct client *client,
                                 struct moment now,
                                 int status,
                                 const char *cache);

/* The body, or for HEAD its length; then be ready for the next request, or
 * close. */
void http_answer_end(struct client *client,
                     struct moment now,
                     struct bytes body);

/* Whether the request asks on a condition that does not hold (RFC 9110, 13); it
 * is answered then. Before an answer of 200 to GET and HEAD. */
bool http_answer_condition(struct client *client, struct moment now);

/* A whole answer; 200 on the request's conditions. */
void http_answer(struct client *client,
                 struct moment now,
                 int status,
                 const char *content_type,
                 struct bytes body);

/* What is wrong. `allow`: the methods of the path, for PROBLEM_METHOD; NULL
 * otherwise. */
void http_answer_problem(struct client *client,
                         struct moment now,
                         enum problem problem,
                         const char *allow);

/* To OPTIONS: what may be asked at the path (NULL: there is none), and what a
 * page of another origin may send. */
void http_answer_options(struct client *client,
                         struct moment now,
                         const char *allow);

/* A request that cannot be read cannot be skipped either: answer and close. */
void http_answer_fault(struct client *client,
                       struct moment now,
                       int status,
                       const char *reason);

#endif
