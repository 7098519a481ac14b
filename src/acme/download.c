// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The chain, and which one (RFC 8555 section 7.4.2). A wish for another chain than the CA's first one
 * never costs the certificate: what cannot be had, or read, is passed over.
 */
#include "acme/order-private.h"
#include "acme/post.h"
#include "plugin/error.h"

#define ALTERNATES_MAX 16

static void
ask (HerdRun *run, HerdAcmeOrder *order, const char *url, gboolean repeatable)
{
  HerdAcmePost given = { .label = "certificate",
                         .url = url,
                         .accept = "application/pem-certificate-chain",
                         .repeatable = repeatable,
                         .limit = HERD_SIZE_CHAIN };

  herd_acme_post_async (order->session, order->host, &given, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
}

static HerdChain *
read_chain (HerdAcmeOrder *order, HerdHttpResponse *response, GError **error)
{
  g_autoptr (HerdChain) chain = herd_chain_new (herd_http_response_get_body (response), error);

  if (chain == NULL
      || !herd_chain_check (chain, order->request->public_key,
                            herd_acme_order_get_identifiers (order),
                            herd_acme_session_get_seconds (order->session), error))
    return NULL;
  return g_steal_pointer (&chain);
}

static void
list_alternates (HerdAcmeOrder *order, HerdHttpResponse *response)
{
  g_auto (GStrv) links = herd_http_response_get_links (response, "alternate", ALTERNATES_MAX);
  g_autoptr (GStrvBuilder) urls = g_strv_builder_new ();

  for (char **link = links; *link != NULL; link++) {
    if (herd_acme_session_check_url (order->session, *link, "alternate chain", NULL))
      g_strv_builder_add (urls, *link);
  }
  g_strfreev (order->alternates);
  order->alternates = g_strv_builder_end (urls);
}

static void
finish (HerdRun *run, HerdAcmeOrder *order)
{
  order->issued->chain = herd_chain_to_pem (order->chain);
  order->issued->profile = g_strdup (order->order->profile);
  herd_run_jump (run, "cleanup");
}

gboolean
herd_download_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  ask (run, order, order->order->certificate, TRUE);
  return TRUE;
}

gboolean
herd_download_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  const char *preference = order->request->preferred_chain;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), error);

  if (response == NULL)
    return FALSE;
  order->chain = read_chain (order, response, error);
  if (order->chain == NULL)
    return FALSE;
  if (preference == NULL || herd_chain_is_preferred (order->chain, preference))
    finish (run, order);
  else
    list_alternates (order, response);
  return TRUE;
}

gboolean
herd_alternates_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  for (char **url = order->alternates; *url != NULL; url++)
    ask (run, order, *url, FALSE);
  return TRUE;
}

/* The chain in one answer, if it is the one that was wished for. */
static HerdChain *
take_alternate (HerdRun *run, HerdAcmeOrder *order, guint index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, index), &error);
  g_autoptr (HerdChain) chain = response != NULL ? read_chain (order, response, &error) : NULL;

  if (chain == NULL) {
    g_message ("%s: an alternate chain was passed over: %s", order->request->certificate,
               error->message);
    return NULL;
  }
  return herd_chain_has_same_leaf (chain, order->chain)
                 && herd_chain_is_preferred (chain, order->request->preferred_chain)
             ? g_steal_pointer (&chain)
             : NULL;
}

gboolean
herd_alternates_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;
  HerdChain *found = NULL;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (HerdChain) chain = take_alternate (run, order, i);

    if (found == NULL)
      found = g_steal_pointer (&chain);
  }
  if (found != NULL) {
    herd_chain_free (order->chain);
    order->chain = found;
  } else {
    g_free (order->issued->chain_not_preferred);
    order->issued->chain_not_preferred = g_strdup_printf (
        "issuer %s has no chain “%s” for it (besides its first it has %u)", order->session->name,
        order->request->preferred_chain, g_strv_length (order->alternates));
  }
  finish (run, order);
  return TRUE;
}
