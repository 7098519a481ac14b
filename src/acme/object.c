// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Orders and authorizations.
 */
#include "acme/object.h"

#include "acme/directory.h"
#include "acme/json.h"
#include "acme/problem.h"
#include "plugin/error.h"
#include "plugin/identifier.h"
#include "util/text.h"

#define ORDER "order"
#define AUTHORIZATION "authorization"
#define CHALLENGE "challenge"
#define CHALLENGES_MAX 32
#define TYPE_LENGTH_MAX 64

/* --- identifiers --- */

/* The value of an identifier object in our normal form, or NULL. */
static char *
read_identifier (JsonObject *object, const char *what, GError **error)
{
  const char *type = herd_json_need_string (object, what, "type", error);
  const char *value = type != NULL ? herd_json_need_string (object, what, "value", error) : NULL;
  g_autofree char *clean = NULL;
  char *normal;

  if (value == NULL)
    return NULL;
  normal = g_ascii_strdown (value, -1);
  if (g_str_equal (type, herd_identifier_get_type_name (normal)))
    return normal;
  clean = herd_text_from_remote (value, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: \"%s\" is no identifier of its type",
               what, clean);
  g_free (normal);
  return NULL;
}

static gboolean
has_identifiers (JsonObject *object, const char *const *identifiers, GError **error)
{
  g_autoptr (GPtrArray) found = NULL;
  guint expected = g_strv_length ((char **) identifiers);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (!herd_json_get_objects (object, ORDER, "identifiers", expected, &found, error))
    return FALSE;
  for (guint i = 0; found != NULL && i < found->len; i++) {
    char *identifier = read_identifier (found->pdata[i], ORDER, error);

    if (identifier == NULL)
      return FALSE;
    g_hash_table_add (seen, identifier);
  }
  for (guint i = 0; i < expected; i++) {
    if (!g_hash_table_contains (seen, identifiers[i])) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                   ORDER ": the CA's order is not for %s, which was asked for", identifiers[i]);
      return FALSE;
    }
  }
  return TRUE;
}

/* --- orders --- */

static gboolean
read_status (JsonObject *object, HerdOrderStatus *status, GError **error)
{
  static const char *const words[] = { [HERD_ORDER_PENDING] = "pending",
                                       [HERD_ORDER_READY] = "ready",
                                       [HERD_ORDER_PROCESSING] = "processing",
                                       [HERD_ORDER_VALID] = "valid",
                                       [HERD_ORDER_INVALID] = "invalid" };
  const char *word = herd_json_need_string (object, ORDER, "status", error);
  g_autofree char *clean = NULL;

  if (word == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    if (g_str_equal (word, words[i])) {
      *status = (HerdOrderStatus) i;
      return TRUE;
    }
  }
  clean = herd_text_from_remote (word, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, ORDER ": unknown status \"%s\"", clean);
  return FALSE;
}

static gboolean
read_order_urls (HerdOrder *order, JsonObject *object, const HerdSite *site, guint limit,
                 GError **error)
{
  const char *finalize = herd_json_need_string (object, ORDER, "finalize", error);
  const char *certificate = NULL;

  if (finalize == NULL || !herd_directory_check_url (site, finalize, ORDER " \"finalize\"", error)
      || !herd_json_get_string (object, ORDER, "certificate", &certificate, error)
      || !herd_json_get_strings (object, ORDER, "authorizations", limit, &order->authorizations,
                                 error))
    return FALSE;
  if (certificate != NULL
      && !herd_directory_check_url (site, certificate, ORDER " \"certificate\"", error))
    return FALSE;
  if (order->authorizations == NULL)
    order->authorizations = g_new0 (char *, 1);
  for (char **url = order->authorizations; *url != NULL; url++) {
    if (!herd_directory_check_url (site, *url, ORDER " \"authorizations\"", error))
      return FALSE;
  }
  order->finalize = g_strdup (finalize);
  order->certificate = g_strdup (certificate);
  return TRUE;
}

/* Only to be shown: one that cannot be read is none. */
static char *
read_profile (JsonObject *object)
{
  const char *profile = "";

  herd_json_get_string (object, ORDER, "profile", &profile, NULL);
  return herd_text_from_remote (profile, -1);
}

HerdOrder *
herd_order_new (GBytes *body, const HerdSite *site, const char *const *identifiers, GError **error)
{
  g_autoptr (HerdOrder) order = g_new0 (HerdOrder, 1);
  g_autoptr (JsonObject) object = herd_json_parse (body, ORDER, error);
  JsonObject *problem = NULL;

  if (object == NULL || !read_status (object, &order->status, error)
      || !has_identifiers (object, identifiers, error)
      || !read_order_urls (order, object, site, g_strv_length ((char **) identifiers), error)
      || !herd_json_get_object (object, ORDER, "error", &problem, error))
    return NULL;
  if (order->status == HERD_ORDER_VALID && order->certificate == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         ORDER ": valid, but without a certificate");
    return NULL;
  }
  if (problem != NULL)
    order->error = herd_problem_from_object (problem, ORDER, NULL);
  order->profile = read_profile (object);
  return g_steal_pointer (&order);
}

void
herd_order_free (HerdOrder *order)
{
  if (order == NULL)
    return;
  g_strfreev (order->authorizations);
  g_free (order->finalize);
  g_free (order->certificate);
  g_free (order->profile);
  g_clear_error (&order->error);
  g_free (order);
}

gboolean
herd_order_waits_for (GBytes *body, const char *const *identifiers)
{
  g_autoptr (JsonObject) object = herd_json_parse (body, ORDER, NULL);
  HerdOrderStatus status;

  return object != NULL && read_status (object, &status, NULL)
         && (status == HERD_ORDER_PENDING || status == HERD_ORDER_READY)
         && has_identifiers (object, identifiers, NULL);
}

/* --- authorizations --- */

static void
offer_free (gpointer data)
{
  HerdOffer *offer = data;

  g_free (offer->type);
  g_free (offer->url);
  g_free (offer->token);
  g_free (offer);
}

/* One challenge. CAs add types at any time, with members of their own: what cannot be read is
 * passed over, unless it is an error of the transport's kind (a URL elsewhere), which is too. */
static HerdOffer *
read_offer (JsonObject *object, const HerdSite *site)
{
  const char *type = NULL, *url = NULL, *token = "", *status = "pending";
  HerdOffer *offer;

  if (!herd_json_get_string (object, CHALLENGE, "type", &type, NULL)
      || !herd_json_get_string (object, CHALLENGE, "url", &url, NULL)
      || !herd_json_get_string (object, CHALLENGE, "token", &token, NULL)
      || !herd_json_get_string (object, CHALLENGE, "status", &status, NULL) || type == NULL
      || url == NULL || strlen (type) > TYPE_LENGTH_MAX
      || !herd_directory_check_url (site, url, CHALLENGE, NULL))
    return NULL;
  offer = g_new0 (HerdOffer, 1);
  offer->type = g_strdup (type);
  offer->url = g_strdup (url);
  offer->token = g_strdup (token);
  offer->processing = g_str_equal (status, "processing");
  offer->over = g_str_equal (status, "valid") || g_str_equal (status, "invalid");
  return offer;
}

static void
note_error (HerdAuthorization *authorization, JsonObject *challenge)
{
  JsonObject *problem = NULL;
  const char *type = NULL;
  g_autofree char *what = NULL;
  g_autofree char *clean = NULL;

  if (authorization->error != NULL
      || !herd_json_get_object (challenge, CHALLENGE, "error", &problem, NULL) || problem == NULL)
    return;
  herd_json_get_string (challenge, CHALLENGE, "type", &type, NULL);
  clean = herd_text_from_remote (type, -1);
  what = g_strdup_printf ("%s challenge", clean);
  authorization->error = herd_problem_from_challenge (problem, what, authorization->wish);
}

static gboolean
read_wish (HerdAuthorization *authorization, JsonObject *object, const char *const *identifiers,
           GError **error)
{
  JsonObject *identifier = NULL;
  gboolean wildcard = FALSE;
  g_autofree char *clean = NULL;

  if (!herd_json_get_object (object, AUTHORIZATION, "identifier", &identifier, error)
      || !herd_json_get_boolean (object, AUTHORIZATION, "wildcard", &wildcard, error))
    return FALSE;
  if (identifier == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         AUTHORIZATION ": \"identifier\" is missing");
    return FALSE;
  }
  authorization->identifier = read_identifier (identifier, AUTHORIZATION, error);
  if (authorization->identifier == NULL)
    return FALSE;
  authorization->wish = g_strconcat (wildcard ? "*." : "", authorization->identifier, NULL);
  if (g_strv_contains (identifiers, authorization->wish))
    return TRUE;
  clean = herd_text_from_remote (authorization->wish, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               AUTHORIZATION ": the CA wants a proof for %s, which was not asked for", clean);
  return FALSE;
}

static gboolean
read_authorization_status (HerdAuthorization *authorization, JsonObject *object, GError **error)
{
  const char *status = herd_json_need_string (object, AUTHORIZATION, "status", error);

  if (status == NULL)
    return FALSE;
  if (g_str_equal (status, "valid"))
    authorization->status = HERD_AUTHORIZATION_VALID;
  else if (g_str_equal (status, "pending") || g_str_equal (status, "processing"))
    authorization->status = HERD_AUTHORIZATION_PENDING;
  else
    authorization->status = HERD_AUTHORIZATION_FAILED;
  authorization->lapsed = authorization->status == HERD_AUTHORIZATION_FAILED
                          && !g_str_equal (status, "invalid");
  return TRUE;
}

HerdAuthorization *
herd_authorization_new (GBytes *body, const HerdSite *site, const char *const *identifiers,
                        GError **error)
{
  g_autoptr (HerdAuthorization) authorization = g_new0 (HerdAuthorization, 1);
  g_autoptr (JsonObject) object = herd_json_parse (body, AUTHORIZATION, error);
  g_autoptr (GPtrArray) challenges = NULL;

  if (object == NULL || !read_authorization_status (authorization, object, error)
      || !read_wish (authorization, object, identifiers, error)
      || !herd_json_get_objects (object, AUTHORIZATION, "challenges", CHALLENGES_MAX, &challenges,
                                 error))
    return NULL;
  authorization->offers = g_ptr_array_new_with_free_func (offer_free);
  for (guint i = 0; challenges != NULL && i < challenges->len; i++) {
    HerdOffer *offer = read_offer (challenges->pdata[i], site);

    if (offer != NULL)
      g_ptr_array_add (authorization->offers, offer);
    note_error (authorization, challenges->pdata[i]);
  }
  if (authorization->status == HERD_AUTHORIZATION_FAILED && authorization->error == NULL)
    authorization->error = g_error_new (HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED,
                                        "%s: the CA gave the authorization up without saying why",
                                        authorization->wish);
  return g_steal_pointer (&authorization);
}

void
herd_authorization_free (HerdAuthorization *authorization)
{
  if (authorization == NULL)
    return;
  g_free (authorization->wish);
  g_free (authorization->identifier);
  g_clear_pointer (&authorization->offers, g_ptr_array_unref);
  g_clear_error (&authorization->error);
  g_free (authorization);
}
