// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Subscription1: only the connection that subscribed may use it.
 */
#include "bus/table.h"
#include "herd-interfaces.h"
#include "plugin/error.h"
#include "util/text.h"

static gboolean
prepare_own (HerdBusCall *call, GError **error)
{
  const HerdSubscription *subscription = herd_bus_get_row (call->agent, call->noun, call->id);

  if (g_str_equal (subscription->sender, call->sender))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
               "subscription %" G_GUINT64_FORMAT
               " belongs to another connection; use Subscribe for one of your own",
               call->id);
  return FALSE;
}

static gboolean
prepare_acknowledge (HerdBusCall *call, GError **error)
{
  const char *path;
  guint64 id;

  if (!prepare_own (call, error))
    return FALSE;
  g_variant_get_child (call->parameters, 0, "&o", &path);
  if (herd_bus_parse_path (path, HERD_NOUN_CERTIFICATE, &id))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "%.256s is no certificate's path; give the one that Updated gave", path);
  return FALSE;
}

static void
start_acknowledge (HerdBusCall *call, gpointer slot)
{
  const HerdSubscription *subscription = herd_bus_get_row (call->agent, call->noun, call->id);
  const char *path, *message;
  g_autofree char *clean = NULL;
  guint64 certificate = 0, generation;
  gboolean applied;

  g_variant_get (call->parameters, "(&otb&s)", &path, &generation, &applied, &message);
  herd_bus_parse_path (path, HERD_NOUN_CERTIFICATE, &certificate);
  clean = herd_text_from_remote (message, -1);
  herd_deliveries_acknowledge_async (herd_agent_get_deliveries (call->agent), subscription,
                                     certificate, generation, applied, clean, herd_run_ready, slot);
}

static GVariant *
finish_acknowledge (HerdBusCall *call G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return herd_deliveries_acknowledge_finish (result, error) ? g_variant_new ("()") : NULL;
}

static GVariant *
finish_close (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
  herd_agent_unsubscribe (call->agent, call->id);
  herd_bus_unwatch (call->bus, call->sender);
  return g_variant_new ("()");
}

static const HerdBusMethod methods[] = {
  { .member = "Acknowledge",
    .prepare = prepare_acknowledge,
    .start = start_acknowledge,
    .finish = finish_acknowledge },
  { .member = "Close", .prepare = prepare_own, .finish = finish_close },
  { NULL },
};

static GVariant *
get_patterns (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_strv ((const char *const *) ((HerdSubscription *) row)->patterns, -1);
}

static const HerdBusProperty properties[] = {
  { "Patterns", get_patterns },
  { NULL, NULL },
};

const HerdBusInterface herd_bus_subscription1 = {
  .info = &org_certherd_subscription1_interface,
  .noun = HERD_NOUN_SUBSCRIPTION,
  .methods = methods,
  .properties = properties,
};
