// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The subscriber.
 */
#include "deliver/subscriber.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "config/vocabulary.h"
#include "plugin/error.h"
#include "util/memfd.h"
#include "util/text.h"

#define AGENT "org.certherd.Agent1"
#define AGENT_PATH "/org/certherd/Agent1"
#define CERTIFICATE "org.certherd.Certificate1"
#define SUBSCRIPTION "org.certherd.Subscription1"
#define BUS "org.freedesktop.DBus"

#define CALL_TIMEOUT 25000  /* ms */
#define BATCH_TIMEOUT 30    /* s, from one Updated to the next */
#define BATCH_LIMIT 1000000 /* more than any agent has */
#define CHAIN_LIMIT (256 * 1024)
#define KEY_LIMIT (64 * 1024)

struct HerdSubscriber {
  char *target;
  GMainContext *context;
  GDBusConnection *connection;
  char *owner; /* the agent's unique name: signals of others are not its */
  char *path;  /* of the subscription; NULL: not subscribed */
  guint updated, vanished;
  GPtrArray *batch;
  GHashTable *by_path; /* HerdPending of the batch */
  gboolean whole, gone, overdue;
};

void
herd_pending_free (HerdPending *pending)
{
  if (pending == NULL)
    return;
  g_free (pending->path);
  g_free (pending->name);
  g_free (pending);
}

static GVariant *
call (HerdSubscriber *subscriber, const char *path, const char *interface, const char *method,
      GVariant *parameters, const char *reply, GError **error)
{
  GVariant *answer = g_dbus_connection_call_sync (
      subscriber->connection, subscriber->owner, path, interface, method, parameters,
      G_VARIANT_TYPE (reply), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, error);

  if (answer == NULL) {
    if (error != NULL && *error != NULL)
      g_dbus_error_strip_remote_error (*error);
    herd_error_translate (error, HERD_ERROR_UNREACHABLE, "the agent's %s", method);
  }
  return answer;
}

/* --- signals --- */

static void
add_pending (HerdSubscriber *subscriber, const char *path, const char *name, guint64 generation)
{
  HerdPending *pending = g_hash_table_lookup (subscriber->by_path, path);

  if (pending == NULL) {
    pending = g_new0 (HerdPending, 1);
    pending->path = g_strdup (path);
    pending->name = g_strdup (name);
    g_ptr_array_add (subscriber->batch, pending);
    g_hash_table_insert (subscriber->by_path, pending->path, pending);
  }
  pending->generation = generation;
}

static void
on_updated (GDBusConnection *connection, const char *sender, const char *path,
            const char *interface, const char *member, GVariant *parameters, gpointer data)
{
  HerdSubscriber *subscriber = data;
  const char *certificate, *name;
  guint64 generation;

  if (g_strcmp0 (path, subscriber->path) != 0 || subscriber->whole
      || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ost)")))
    return;
  g_variant_get (parameters, "(&o&st)", &certificate, &name, &generation);
  if (g_str_equal (certificate, "/"))
    subscriber->whole = TRUE;
  else if (herd_name_check ("certificate", name, NULL) && subscriber->batch->len < BATCH_LIMIT)
    add_pending (subscriber, certificate, name, generation);
}

static void
on_vanished (GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *member, GVariant *parameters, gpointer data)
{
  HerdSubscriber *subscriber = data;

  subscriber->gone = TRUE;
}

static void
watch_signals (HerdSubscriber *subscriber)
{
  subscriber->updated = g_dbus_connection_signal_subscribe (
      subscriber->connection, subscriber->owner, SUBSCRIPTION, "Updated", NULL, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_updated, subscriber, NULL);
  subscriber->vanished = g_dbus_connection_signal_subscribe (
      subscriber->connection, BUS, BUS, "NameOwnerChanged", NULL, subscriber->owner,
      G_DBUS_SIGNAL_FLAGS_NONE, on_vanished, subscriber, NULL);
}

/* --- the beginning and the end --- */

static gboolean
connect_to_bus (HerdSubscriber *subscriber, gboolean session, GError **error)
{
  g_autofree char *address = g_dbus_address_get_for_bus_sync (
      session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, NULL, error);

  if (address != NULL)
    subscriber->connection = g_dbus_connection_new_for_address_sync (
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
            | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, error);
  if (subscriber->connection != NULL)
    return TRUE;
  herd_error_translate (error, HERD_ERROR_UNREACHABLE, "the %s bus; is dbus-daemon running?",
                        session ? "session" : "system");
  return FALSE;
}

static gboolean
find_agent (HerdSubscriber *subscriber, GError **error)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      subscriber->connection, BUS, "/", BUS, "GetNameOwner", g_variant_new ("(s)", AGENT),
      G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, error);

  if (reply == NULL) {
    if (error != NULL && *error != NULL)
      g_dbus_error_strip_remote_error (*error);
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "the agent is not on the bus; start certherd.service");
    return FALSE;
  }
  g_variant_get (reply, "(s)", &subscriber->owner);
  return TRUE;
}

static gboolean
subscribe (HerdSubscriber *subscriber, GError **error)
{
  const char *const everything[] = { "*", NULL };
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) reply = NULL;

  g_variant_dict_insert (&options, "target", "s", subscriber->target);
  g_variant_dict_insert (&options, "server", "s", "certherd-deliver");
  reply = call (subscriber, AGENT_PATH, AGENT, "Subscribe",
                g_variant_new ("(^as@a{sv})", everything, g_variant_dict_end (&options)), "(o)",
                error);
  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(o)", &subscriber->path);
  return TRUE;
}

HerdSubscriber *
herd_subscriber_new (gboolean session, const char *target, GError **error)
{
  g_autoptr (HerdSubscriber) subscriber = g_new0 (HerdSubscriber, 1);

  herd_error_quark (); /* so that the agent's errors are known when they arrive */
  subscriber->target = g_strdup (target);
  subscriber->batch = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_pending_free);
  subscriber->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  subscriber->context = g_main_context_new ();
  g_main_context_push_thread_default (subscriber->context);
  if (!connect_to_bus (subscriber, session, error) || !find_agent (subscriber, error))
    return NULL;
  /* Before the call: the first Updated follows its reply at once. */
  watch_signals (subscriber);
  return subscribe (subscriber, error) ? g_steal_pointer (&subscriber) : NULL;
}

void
herd_subscriber_free (HerdSubscriber *subscriber)
{
  if (subscriber == NULL)
    return;
  if (subscriber->path != NULL && !subscriber->gone) {
    G_GNUC_UNUSED g_autoptr (GVariant)
        closed = call (subscriber, subscriber->path, SUBSCRIPTION, "Close", NULL, "()", NULL);
  }
  if (subscriber->updated != 0)
    g_dbus_connection_signal_unsubscribe (subscriber->connection, subscriber->updated);
  if (subscriber->vanished != 0)
    g_dbus_connection_signal_unsubscribe (subscriber->connection, subscriber->vanished);
  if (subscriber->connection != NULL)
    g_dbus_connection_close_sync (subscriber->connection, NULL, NULL);
  g_clear_object (&subscriber->connection);
  g_main_context_pop_thread_default (subscriber->context);
  g_main_context_unref (subscriber->context);
  g_hash_table_unref (subscriber->by_path);
  g_ptr_array_unref (subscriber->batch);
  g_free (subscriber->target);
  g_free (subscriber->owner);
  g_free (subscriber->path);
  g_free (subscriber);
}

/* --- the conversation --- */

static gboolean
on_overdue (gpointer data)
{
  HerdSubscriber *subscriber = data;

  subscriber->overdue = TRUE;
  return G_SOURCE_REMOVE;
}

/* Waits for the next signal, or long enough. */
static void
wait_for_signal (HerdSubscriber *subscriber)
{
  g_autoptr (GSource) timer = g_timeout_source_new_seconds (BATCH_TIMEOUT);

  g_source_set_callback (timer, on_overdue, subscriber, NULL);
  g_source_attach (timer, subscriber->context);
  g_main_context_iteration (subscriber->context, TRUE);
  g_source_destroy (timer);
}

GPtrArray *
herd_subscriber_collect (HerdSubscriber *subscriber, GError **error)
{
  while (!subscriber->whole && !subscriber->gone && !subscriber->overdue
         && !g_dbus_connection_is_closed (subscriber->connection))
    wait_for_signal (subscriber);
  if (subscriber->whole)
    return g_ptr_array_ref (subscriber->batch);
  g_set_error (
      error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
      "the agent %s before it had said what target %s is to get; it starts the delivery again",
      subscriber->overdue ? "fell silent" : "went away", subscriber->target);
  return NULL;
}

static GBytes *
take_memfd (GUnixFDList *fds, gint32 index, const char *what, gsize limit, GError **error)
{
  int fd = fds != NULL ? g_unix_fd_list_get (fds, index, error) : -1;
  GBytes *bytes;

  if (fd < 0) {
    if (fds == NULL)
      g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "there is no descriptor");
    herd_error_translate (error, HERD_ERROR_REFUSED, "the %s that the agent sent", what);
    return NULL;
  }
  bytes = herd_memfd_read (fd, limit, error);
  close (fd);
  if (bytes == NULL)
    herd_error_translate (error, HERD_ERROR_REFUSED, "the %s that the agent sent", what);
  return bytes;
}

HerdBundle *
herd_subscriber_open_bundle (HerdSubscriber *subscriber, const char *path, const char *name,
                             guint64 generation, GError **error)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GBytes) key = NULL;
  gint32 chain_index, key_index;
  guint64 sent;

  g_variant_dict_insert (&options, "generation", "t", generation);
  reply = g_dbus_connection_call_with_unix_fd_list_sync (
      subscriber->connection, subscriber->owner, path, CERTIFICATE, "OpenBundle",
      g_variant_new ("(@a{sv})", g_variant_dict_end (&options)), G_VARIANT_TYPE ("(thha{sv})"),
      G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, &fds, NULL, error);
  if (reply == NULL) {
    if (error != NULL && *error != NULL)
      g_dbus_error_strip_remote_error (*error);
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "taking generation %" G_GUINT64_FORMAT " of %s", generation, name);
    return NULL;
  }
  g_variant_get (reply, "(thh@a{sv})", &sent, &chain_index, &key_index, &facts);
  if (sent != generation) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "asked for generation %" G_GUINT64_FORMAT
                 " of %s, the agent sent %" G_GUINT64_FORMAT,
                 generation, name, sent);
    return NULL;
  }
  chain = take_memfd (fds, chain_index, "chain", CHAIN_LIMIT, error);
  if (chain == NULL)
    return NULL;
  key = take_memfd (fds, key_index, "key", KEY_LIMIT, error);
  if (key == NULL)
    return NULL;
  return herd_bundle_new (name, generation, chain, key, herd_facts_new_from_variant (facts));
}

/* A property of the certificate at PATH that is a list; NULL: it cannot be read. */
static GVariant *
get_list (HerdSubscriber *subscriber, const char *path, const char *property, GError **error)
{
  g_autoptr (GVariant) reply = call (subscriber, path, BUS ".Properties", "Get",
                                     g_variant_new ("(ss)", CERTIFICATE, property), "(v)", error);
  GVariant *list;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(v)", &list);
  if (g_variant_is_of_type (list, G_VARIANT_TYPE ("aa{sv}")))
    return list;
  g_variant_unref (list);
  return g_variant_ref_sink (g_variant_new ("aa{sv}", NULL));
}

/* What DELIVERIES say that TARGET has; 0 = nothing. */
static guint64
find_applied (GVariant *deliveries, const char *target)
{
  GVariantIter iter;
  GVariant *entry;
  guint64 generation = 0;

  g_variant_iter_init (&iter, deliveries);
  while (g_variant_iter_loop (&iter, "@a{sv}", &entry)) {
    const char *name = NULL;

    if (g_variant_lookup (entry, "target", "&s", &name) && g_str_equal (name, target))
      g_variant_lookup (entry, "applied", "t", &generation);
  }
  return generation;
}

/* Is GENERATION, as far as GENERATIONS know it, neither revoked nor over? */
static gboolean
is_good (GVariant *generations, guint64 generation)
{
  GVariantIter iter;
  GVariant *entry;
  gboolean good = TRUE;

  g_variant_iter_init (&iter, generations);
  while (g_variant_iter_loop (&iter, "@a{sv}", &entry)) {
    const char *revoked = "";
    gint64 not_after = G_MAXINT64;
    guint64 number = 0;

    g_variant_lookup (entry, "generation", "t", &number);
    g_variant_lookup (entry, "revoked", "&s", &revoked);
    g_variant_lookup (entry, "not-after", "x", &not_after);
    if (number == generation)
      good = *revoked == '\0' && not_after > g_get_real_time () / G_USEC_PER_SEC;
  }
  return good;
}

gboolean
herd_subscriber_get_previous (HerdSubscriber *subscriber, const char *path, guint64 *generation,
                              GError **error)
{
  g_autoptr (GVariant) deliveries = get_list (subscriber, path, "Deliveries", error);
  g_autoptr (GVariant) generations = NULL;
  guint64 applied;

  if (deliveries == NULL)
    return FALSE;
  applied = find_applied (deliveries, subscriber->target);
  if (applied != 0)
    generations = get_list (subscriber, path, "Generations", error);
  if (applied != 0 && generations == NULL)
    return FALSE;
  *generation = applied != 0 && is_good (generations, applied) ? applied : 0;
  return TRUE;
}

gboolean
herd_subscriber_acknowledge (HerdSubscriber *subscriber, const char *path, guint64 generation,
                             gboolean applied, const char *message, GError **error)
{
  g_autofree char *clean = herd_text_from_remote (message, -1);
  g_autoptr (GVariant)
      reply = call (subscriber, subscriber->path, SUBSCRIPTION, "Acknowledge",
                    g_variant_new ("(otbs)", path, generation, applied, clean), "()", error);

  return reply != NULL;
}
