// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asking for an order (RFC 8555 section 7.4): what is said beside the identifiers, and what is left
 * out when the CA does not like it. A profile that is only preferred, and "replaces", must never stand
 * between a server and its certificate.
 */
#include "acme/json.h"
#include "acme/order-private.h"
#include "acme/post.h"
#include "plugin/error.h"
#include "plugin/identifier.h"

/* --- before --- */

static char *
list_profiles (GVariant *profiles)
{
  g_autoptr (GString) names = g_string_new (NULL);
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, profiles);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, NULL))
    g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* The CA has no such profile. It fails, or goes on without. */
static gboolean
drop_profile (HerdAcmeOrder *order, GError **error)
{
  HerdAcmeSession *session = order->session;
  g_autofree char *names = list_profiles (session->directory->profiles);
  g_autofree char *why = g_strdup_printf ("issuer %s has no profile “%s” (it has: %s)",
                                          session->name, order->request->profile,
                                          *names != '\0' ? names : "none");

  /* It may have one by the next attempt. */
  session->directory_is_stale = TRUE;
  if (order->request->profile_required) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s: %s; choose another profile, or set profile-policy to preferred",
                 order->request->certificate, why);
    return FALSE;
  }
  g_clear_pointer (&order->profile, g_free);
  g_free (order->issued->profile_dropped);
  order->issued->profile_dropped = g_steal_pointer (&why);
  return TRUE;
}

gboolean
herd_new_order_settle (HerdAcmeOrder *order, GError **error)
{
  const HerdIssueRequest *request = order->request;
  const HerdDirectory *directory = order->session->directory;
  const char *description;

  if (request->predecessor != NULL && *directory->renewal_info != '\0') {
    g_autoptr (HerdChain) chain = herd_chain_new (request->predecessor, NULL);

    order->replaces = chain != NULL ? herd_chain_get_renewal_id (chain) : NULL;
  }
  order->profile = g_strdup (request->profile);
  return order->profile == NULL
         || g_variant_lookup (directory->profiles, order->profile, "&s", &description)
         || drop_profile (order, error);
}

/* --- the request --- */

static JsonArray *
new_identifiers (const char *const *identifiers)
{
  JsonArray *array = json_array_new ();

  for (; *identifiers != NULL; identifiers++) {
    JsonObject *one = json_object_new ();

    json_object_set_string_member (one, "type", herd_identifier_get_type_name (*identifiers));
    json_object_set_string_member (one, "value", *identifiers);
    json_array_add_object_element (array, one);
  }
  return array;
}

static void
set_not_after (JsonObject *object, gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ") : NULL;

  if (text != NULL)
    json_object_set_string_member (object, "notAfter", text);
}

gboolean
herd_new_order_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;
  HerdAcmeSession *session = order->session;
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *payload = NULL;

  json_object_set_array_member (object, "identifiers",
                                new_identifiers (herd_acme_order_get_identifiers (order)));
  if (order->request->lifetime > 0)
    set_not_after (object, herd_acme_session_get_seconds (session) + order->request->lifetime);
  if (order->profile != NULL)
    json_object_set_string_member (object, "profile", order->profile);
  if (order->replaces != NULL)
    json_object_set_string_member (object, "replaces", order->replaces);
  payload = herd_json_to_text (object);
  order->asked = TRUE;
  herd_acme_order_post (run, order, "newOrder", session->directory->new_order, payload);
  return TRUE;
}

/* --- the answer --- */

/* May it be "replaces" that the CA refused with ERROR? CAs have said so with 409, with 4xx of several
 * kinds (RFC 9773 section 5 has only the first), and with 500 (is_lost). */
static gboolean
may_be_replaces (const GError *error)
{
  static const char *const others[] = { "rateLimited",
                                        "rejectedIdentifier",
                                        "accountDoesNotExist",
                                        "userActionRequired",
                                        "externalAccountRequired",
                                        "invalidProfile",
                                        NULL };
  const char *type = herd_error_get_problem_type (error);
  guint status = herd_error_get_status (error);

  if (status == 409)
    return TRUE;
  return status / 100 == 4 && status != 401 && status != 429
         && (type == NULL || !g_strv_contains (others, type));
}

static void
drop_replaces (HerdAcmeOrder *order, const GError *problem)
{
  g_message ("%s: the CA does not take it as a replacement (%s); asking without",
             order->request->certificate, problem->message);
  g_clear_pointer (&order->replaces, g_free);
}

/* Leaves out what PROBLEM may be about, once each. FALSE with ERROR: there is nothing left, and
 * PROBLEM stands. */
static gboolean
leave_out (HerdAcmeOrder *order, const GError *problem, GError **error)
{
  if (order->profile != NULL
      && g_strcmp0 (herd_error_get_problem_type (problem), "invalidProfile") == 0)
    return drop_profile (order, error);
  if (order->replaces != NULL && may_be_replaces (problem)) {
    drop_replaces (order, problem);
    return TRUE;
  }
  g_propagate_error (error, g_error_copy (problem));
  return FALSE;
}

/* May the order have been made, though nobody says where it is? No answer came, or one of a server that
 * failed, or that stands before the one that did. One that says when to come again is listened to. */
static gboolean
is_lost (GAsyncResult *result, const GError *problem)
{
  guint status;

  if (problem == NULL || problem->domain != HERD_ERROR
      || herd_error_class (problem) != HERD_ERROR_CLASS_BACKOFF)
    return FALSE;
  status = herd_error_get_status (problem);
  return herd_acme_post_is_unanswered (result) || status == 500 || status == 502 || status == 504;
}

gboolean
herd_new_order_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GError) problem = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &problem);
  gboolean lost = is_lost (herd_run_get_result (run, 0), problem);
  const char *location;

  if (lost && order->record->attempts < HERD_ATTEMPTS_MAX) {
    if (order->replaces != NULL && herd_error_get_status (problem) == 500)
      drop_replaces (order, problem);
    order->lost = TRUE;
    herd_run_jump (run, "search");
    return TRUE;
  }
  if (response == NULL) {
    /* Where the CA has answered, it made no order. */
    if (!lost)
      order->record->attempts = 0;
    if (!leave_out (order, problem, error))
      return FALSE;
    order->record->attempts = 0;
    herd_run_jump (run, "new-order");
    return TRUE;
  }
  location = herd_http_response_get_header (response, "Location");
  if (location == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         "newOrder: the CA did not say where the order is (no Location)");
    return FALSE;
  }
  if (!herd_acme_session_check_url (order->session, location, "newOrder", error)
      || !herd_acme_order_take (order, response, error))
    return FALSE;
  herd_acme_order_set_url (order, location);
  return herd_acme_order_go_on (run, order, error);
}
