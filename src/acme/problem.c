// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Problem documents: whatever in them has the wrong type is left out, for a bad account of an error
 * must not hide the error.
 */
#include "acme/problem.h"

#include <string.h>

#include "acme/json.h"
#include "net/link.h"
#include "plugin/error.h"
#include "util/text.h"

#define URN "urn:ietf:params:acme:error:"
#define SUBPROBLEMS_MAX HERD_ERROR_PARTS_MAX
#define SUBPROBLEMS_SHOWN 4
#define RETRY_MAX (7 * 86400) /* seconds */

static const char *
get_text (JsonObject *object, const char *member)
{
  const char *text = NULL;

  herd_json_get_string (object, "problem", member, &text, NULL);
  return text;
}

/* The last part of an ACME type, or NULL. */
static char *
dup_type (JsonObject *object)
{
  const char *type = get_text (object, "type");
  const char *at;

  if (type == NULL || !g_str_has_prefix (type, URN))
    return NULL;
  type += strlen (URN);
  for (at = type; g_ascii_isalnum (*at); at++)
    continue;
  return *at == '\0' && at != type && at - type <= 64 ? g_strdup (type) : NULL;
}

static char *
dup_clean (JsonObject *object, const char *member)
{
  const char *text = get_text (object, member);

  return text != NULL && *text != '\0' ? herd_text_from_remote (text, -1) : NULL;
}

static char *
dup_identifier (JsonObject *object)
{
  JsonObject *identifier = NULL;

  herd_json_get_object (object, "problem", "identifier", &identifier, NULL);
  return identifier != NULL ? dup_clean (identifier, "value") : NULL;
}

/* "detail; a.example: its detail; b.example: …": RFC 8555 section 6.7.1. */
static char *
join_details (const char *detail, GPtrArray *subproblems)
{
  g_autoptr (GString) text = g_string_new (detail);

  for (guint i = 0; i < subproblems->len; i++) {
    g_autofree char *identifier = dup_identifier (subproblems->pdata[i]);
    g_autofree char *part = dup_clean (subproblems->pdata[i], "detail");

    if (i == SUBPROBLEMS_SHOWN) {
      g_string_append_printf (text, "; and %u more", subproblems->len - i);
      break;
    }
    g_string_append_printf (
        text, "%s%s%s%s", text->len > 0 ? "; " : "", identifier != NULL ? identifier : "",
        identifier != NULL && part != NULL ? ": " : "", part != NULL ? part : "");
  }
  return herd_text_from_remote (text->str, -1);
}

/* Each of them, for programs. */
static GVariant *
list_parts (GPtrArray *subproblems)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < subproblems->len; i++) {
    g_autofree char *identifier = dup_identifier (subproblems->pdata[i]);
    g_autofree char *type = dup_type (subproblems->pdata[i]);
    g_autofree char *detail = dup_clean (subproblems->pdata[i], "detail");

    g_variant_builder_add_value (&builder, herd_error_new_part (identifier, type, detail));
  }
  return g_variant_builder_end (&builder);
}

/* Let's Encrypt pauses accounts that fail for months: a rate limit without an end, and a link for a
 * human in the words. */
static gboolean
is_paused (const HerdProblem *problem)
{
  return problem->retry_at == 0 && g_strcmp0 (problem->type, "rateLimited") == 0
         && problem->detail != NULL && strstr (problem->detail, "unpause") != NULL;
}

/* Where the terms of service are that have changed (RFC 8555 section 7.3.3), or NULL: a URL to show. */
static char *
dup_terms (HerdHttpResponse *response)
{
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (g_free);
  const char *link = herd_http_response_get_header (response, "Link");

  if (link != NULL)
    herd_link_find_all (link, "terms-of-service", 1, targets);
  return targets->len > 0 ? herd_text_from_remote (targets->pdata[0], -1) : NULL;
}

static GError *
new_error (JsonObject *object, const char *what, const char *about, HerdHttpResponse *response,
           gint64 retry_at, const char *help, gboolean of_challenge)
{
  g_autoptr (GPtrArray) subproblems = NULL;
  g_autofree char *type = dup_type (object);
  g_autofree char *detail = dup_clean (object, "detail");
  g_autofree char *instance = dup_clean (object, "instance");
  g_autofree char *identifier = NULL;
  g_autofree char *joined = NULL;
  g_autofree char *terms = response != NULL ? dup_terms (response) : NULL;
  HerdProblem problem = { .status = response != NULL ? herd_http_response_get_status (response) : 0,
                          .terms = terms,
                          .retry_at = retry_at };

  herd_json_get_objects (object, "problem", "subproblems", SUBPROBLEMS_MAX, &subproblems, NULL);
  if (subproblems != NULL && subproblems->len > 0) {
    JsonObject *first = subproblems->pdata[0];

    identifier = dup_identifier (first);
    joined = join_details (detail, subproblems);
    problem.parts = list_parts (subproblems);
    /* A compound error only points at its parts (RFC 8555 section 6.7). */
    if (type == NULL || g_str_equal (type, "compound")) {
      char *part = dup_type (first);

      if (part != NULL) {
        g_free (type);
        type = part;
      }
    }
  }
  if (of_challenge && g_strcmp0 (type, "unauthorized") == 0) {
    g_free (type);
    type = g_strdup ("incorrectResponse");
  }
  problem.type = type;
  problem.detail = joined != NULL ? joined : detail;
  problem.identifier = identifier != NULL ? identifier : about;
  problem.instance = instance != NULL ? instance : help;
  problem.needs_human = is_paused (&problem);
  return herd_error_new_problem (&problem, what);
}

/* Where a human may read more: the CA's "help" (as with rate limits), or its new terms (RFC 8555 section
 * 7.3.3). Or NULL. */
static char *
dup_help (HerdHttpResponse *response)
{
  static const char *const relations[] = { "help", "terms-of-service" };

  for (guint i = 0; i < G_N_ELEMENTS (relations); i++) {
    g_auto (GStrv) links = herd_http_response_get_links (response, relations[i], 1);

    if (*links != NULL)
      return herd_text_from_remote (*links, -1);
  }
  return NULL;
}

GError *
herd_problem_from_response (HerdHttpResponse *response, const char *what, gint64 now)
{
  g_autoptr (JsonObject)
      object = herd_json_parse (herd_http_response_get_body (response), "problem", NULL);
  gint64 retry_at = herd_http_response_get_retry_at (response);
  g_autofree char *help = dup_help (response);

  if (object == NULL)
    object = json_object_new ();
  /* A time in the past means now, and not "no time". */
  if (retry_at != 0)
    retry_at = CLAMP (retry_at, now, now + RETRY_MAX);
  return new_error (object, what, NULL, response, retry_at, help, FALSE);
}

GError *
herd_problem_from_object (JsonObject *object, const char *what, const char *identifier)
{
  return new_error (object, what, identifier, NULL, 0, NULL, FALSE);
}

GError *
herd_problem_from_challenge (JsonObject *object, const char *what, const char *identifier)
{
  return new_error (object, what, identifier, NULL, 0, NULL, TRUE);
}
