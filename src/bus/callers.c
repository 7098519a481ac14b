// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers. Unique names are never given twice in a bus's life, so what was learned stays true; the
 * table is only bounded. Only connections that hold something are watched, each by a match of its own: one
 * for every NameOwnerChanged would wake the agent for everything that comes and goes on the bus. Where
 * they are many there is that one: a connection may have 512 matches.
 */
#include "bus/callers.h"

#include "plugin/error.h"
#include "util/gate.h"

#define UIDS_KEPT 1024
#define MATCHES_MAX 64

struct HerdCallers {
  GDBusConnection *connection;
  gint64 fixed_uid;
  HerdCallersFunc gone;
  gpointer data;
  GHashTable *watches; /* unique name → signal subscription; 0: the one for all is it */
  guint for_all;       /* signal subscription; 0 = none */
  guint n_for_all;     /* watches that are its */
  GHashTable *uids;    /* unique name → uid */
  GHashTable *calls;   /* uid → number */
  GHashTable *turns;   /* uid → HerdGate, while somebody is inside */
  GCancellable *questions;
};

typedef struct {
  HerdCallers *callers;
  char *sender;
} Lookup;

static void
lookup_free (Lookup *lookup)
{
  g_free (lookup->sender);
  g_free (lookup);
}

static Lookup *
lookup_new (HerdCallers *callers, const char *sender)
{
  Lookup *lookup = g_new0 (Lookup, 1);

  lookup->callers = callers;
  lookup->sender = g_strdup (sender);
  return lookup;
}

void
herd_callers_unwatch (HerdCallers *callers, const char *sender)
{
  gpointer watch;

  if (!g_hash_table_lookup_extended (callers->watches, sender, NULL, &watch))
    return;
  g_hash_table_remove (callers->watches, sender);
  if (watch != NULL) {
    g_dbus_connection_signal_unsubscribe (callers->connection, GPOINTER_TO_UINT (watch));
  } else if (--callers->n_for_all == 0) {
    g_dbus_connection_signal_unsubscribe (callers->connection, callers->for_all);
    callers->for_all = 0;
  }
}

static void
forget (HerdCallers *callers, const char *name)
{
  g_autofree char *copy = g_strdup (name);

  if (!g_hash_table_contains (callers->watches, copy))
    return;
  herd_callers_unwatch (callers, copy);
  g_hash_table_remove (callers->uids, copy);
  callers->gone (copy, callers->data);
}

static void
name_owner_changed (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
                    const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
                    const char *signal G_GNUC_UNUSED, GVariant *parameters, gpointer data)
{
  HerdCallers *callers = data;
  const char *name, *new_owner;

  g_variant_get (parameters, "(&s&s&s)", &name, NULL, &new_owner);
  if (*new_owner == '\0')
    forget (callers, name);
}

HerdCallers *
herd_callers_new (GDBusConnection *connection, gint64 fixed_uid, HerdCallersFunc gone,
                  gpointer data)
{
  HerdCallers *callers = g_new0 (HerdCallers, 1);

  callers->connection = g_object_ref (connection);
  callers->fixed_uid = fixed_uid;
  callers->gone = gone;
  callers->data = data;
  callers->questions = g_cancellable_new ();
  callers->uids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  callers->calls = g_hash_table_new (NULL, NULL);
  callers->turns = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) herd_gate_free);
  callers->watches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return callers;
}

/* --- who is still there --- */

static void
owner_known (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Lookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    herd_error_translate (&error, HERD_ERROR_CANCELLED, "the bus is being left");
    g_task_return_error (task, error);
    return;
  }
  /* A bus that does not answer is not one that says that there is nobody. */
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    forget (lookup->callers, lookup->sender);
  g_clear_error (&error);
  g_task_return_boolean (task, TRUE);
}

void
herd_callers_check_async (HerdCallers *callers, const char *sender, GAsyncReadyCallback callback,
                          gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);

  if (sender == NULL) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  g_task_set_task_data (task, lookup_new (callers, sender), (GDestroyNotify) lookup_free);
  g_dbus_connection_call (callers->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetNameOwner", g_variant_new ("(s)", sender),
                          G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NONE, -1, callers->questions,
                          owner_known, g_steal_pointer (&task));
}

gboolean
herd_callers_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static guint
subscribe (HerdCallers *callers, const char *sender)
{
  return g_dbus_connection_signal_subscribe (
      callers->connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
      "/org/freedesktop/DBus", sender, G_DBUS_SIGNAL_FLAGS_NONE, name_owner_changed, callers, NULL);
}

void
herd_callers_watch (HerdCallers *callers, const char *sender)
{
  guint watch = 0;

  if (g_hash_table_contains (callers->watches, sender))
    return;
  if (g_hash_table_size (callers->watches) - callers->n_for_all < MATCHES_MAX)
    watch = subscribe (callers, sender);
  else if (callers->n_for_all++ == 0)
    callers->for_all = subscribe (callers, NULL);
  g_hash_table_insert (callers->watches, g_strdup (sender), GUINT_TO_POINTER (watch));
  /* It may have gone before it was watched. */
  herd_callers_check_async (callers, sender, NULL, NULL);
}

void
herd_callers_free (HerdCallers *callers)
{
  GHashTableIter iter;
  gpointer watch;

  if (callers == NULL)
    return;
  g_hash_table_iter_init (&iter, callers->watches);
  while (g_hash_table_iter_next (&iter, NULL, &watch)) {
    if (watch != NULL)
      g_dbus_connection_signal_unsubscribe (callers->connection, GPOINTER_TO_UINT (watch));
  }
  if (callers->for_all != 0)
    g_dbus_connection_signal_unsubscribe (callers->connection, callers->for_all);
  g_cancellable_cancel (callers->questions);
  g_object_unref (callers->questions);
  g_hash_table_unref (callers->watches);
  g_hash_table_unref (callers->uids);
  g_hash_table_unref (callers->calls);
  g_hash_table_unref (callers->turns);
  g_object_unref (callers->connection);
  g_free (callers);
}

static void
return_uid (GTask *task, guint32 uid)
{
  g_task_set_task_data (task, GUINT_TO_POINTER (uid), NULL);
  g_task_return_boolean (task, TRUE);
}

static void
uid_known (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Lookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  guint32 uid;

  /* Also where the callers have gone, whose question it was. */
  if (reply == NULL) {
    herd_error_translate (&error, HERD_ERROR_UNREACHABLE, "the caller cannot be identified");
    g_task_return_error (task, error);
    return;
  }
  g_variant_get (reply, "(u)", &uid);
  if (g_hash_table_size (lookup->callers->uids) >= UIDS_KEPT)
    g_hash_table_remove_all (lookup->callers->uids);
  g_hash_table_replace (lookup->callers->uids, g_strdup (lookup->sender), GUINT_TO_POINTER (uid));
  return_uid (task, uid);
}

void
herd_callers_get_uid_async (HerdCallers *callers, const char *sender, GAsyncReadyCallback callback,
                            gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  gpointer uid;

  if (callers->fixed_uid >= 0) {
    return_uid (task, (guint32) callers->fixed_uid);
    return;
  }
  if (g_hash_table_lookup_extended (callers->uids, sender, NULL, &uid)) {
    return_uid (task, GPOINTER_TO_UINT (uid));
    return;
  }
  g_task_set_task_data (task, lookup_new (callers, sender), (GDestroyNotify) lookup_free);
  g_dbus_connection_call (
      callers->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetConnectionUnixUser", g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"),
      G_DBUS_CALL_FLAGS_NONE, -1, callers->questions, uid_known, g_steal_pointer (&task));
}

gboolean
herd_callers_get_uid_finish (GAsyncResult *result, guint32 *uid, GError **error)
{
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  *uid = GPOINTER_TO_UINT (g_task_get_task_data (G_TASK (result)));
  return TRUE;
}

static gboolean
is_exempt (const HerdCallers *callers, guint32 uid)
{
  return uid == 0 || callers->fixed_uid >= 0;
}

gboolean
herd_callers_begin_call (HerdCallers *callers, guint32 uid, GError **error)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (callers->calls, GUINT_TO_POINTER (uid)));

  if (!is_exempt (callers, uid) && n >= HERD_CALLS_PER_USER) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                 "user %u has %d calls under way; wait for their answers", uid,
                 HERD_CALLS_PER_USER);
    return FALSE;
  }
  g_hash_table_insert (callers->calls, GUINT_TO_POINTER (uid), GUINT_TO_POINTER (n + 1));
  return TRUE;
}

void
herd_callers_end_call (HerdCallers *callers, guint32 uid)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (callers->calls, GUINT_TO_POINTER (uid)));

  if (n > 1)
    g_hash_table_insert (callers->calls, GUINT_TO_POINTER (uid), GUINT_TO_POINTER (n - 1));
  else
    g_hash_table_remove (callers->calls, GUINT_TO_POINTER (uid));
}

void
herd_callers_wait_turn_async (HerdCallers *callers, guint32 uid, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data)
{
  HerdGate *gate = g_hash_table_lookup (callers->turns, GUINT_TO_POINTER (uid));

  if (gate == NULL) {
    gate = herd_gate_new (1);
    g_hash_table_insert (callers->turns, GUINT_TO_POINTER (uid), gate);
  }
  herd_gate_enter_async (gate, cancellable, callback, data);
}

gboolean
herd_callers_wait_turn_finish (GAsyncResult *result, GError **error)
{
  return herd_gate_enter_finish (NULL, result, error);
}

void
herd_callers_end_turn (HerdCallers *callers, guint32 uid)
{
  HerdGate *gate = g_hash_table_lookup (callers->turns, GUINT_TO_POINTER (uid));

  herd_gate_leave (gate);
  if (herd_gate_get_inside (gate) == 0)
    g_hash_table_remove (callers->turns, GUINT_TO_POINTER (uid));
}
