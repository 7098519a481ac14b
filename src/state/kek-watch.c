// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One look at a time. What starts one is always the clock; what is heard from the Secret Service sets
 * the clock forward, but not so far that a service that talks without end could keep us busy.
 */
#include "state/kek-watch.h"

#define SERVICE "org.freedesktop.secrets"

/* Between looks: the least, whatever is heard; and where nothing is, doubled from the first to the
 * longest. */
#define PAUSE_LEAST HERD_SECOND
#define PAUSE_FIRST (30 * HERD_SECOND)
#define PAUSE_LONGEST (900 * HERD_SECOND)

/* What says that a keyring was opened, or that something was put into it: interface, member and first
 * argument; NULL: any. */
static const struct {
  const char *interface;
  const char *member;
  const char *argument;
} signals[] = {
  { "org.freedesktop.Secret.Service", NULL, NULL },
  { "org.freedesktop.Secret.Collection", NULL, NULL },
  { "org.freedesktop.DBus.Properties", "PropertiesChanged", "org.freedesktop.Secret.Collection" },
};

/* Outlives the watch where that is freed during a look. */
typedef struct {
  HerdKekWatch *watch; /* NULL: freed */
  GCancellable *cancellable;
} Look;

struct HerdKekWatch {
  HerdState *state;
  HerdKeystore keystore;
  char *directory;
  HerdClock *clock;
  HerdKekLooked looked;
  gpointer data;
  Look *look;     /* under way, or NULL */
  gboolean heard; /* something, since it began */
  guint timer;
  gint64 began; /* the last look, monotonic */
  guint failures;
  guint name; /* the watch of the service's */
  GDBusConnection *connection;
  guint subscriptions[G_N_ELEMENTS (signals)];
};

static void
look_free (Look *look)
{
  g_object_unref (look->cancellable);
  g_free (look);
}

static void wake (gpointer data);

static void
arm (HerdKekWatch *watch, gint64 delay)
{
  herd_clock_disarm (watch->clock, watch->timer);
  watch->timer = herd_clock_arm (watch->clock, delay, wake, watch);
}

static void
arm_soon (HerdKekWatch *watch)
{
  gint64 since = herd_clock_get_monotonic (watch->clock) - watch->began;

  arm (watch, MAX (PAUSE_LEAST - since, 0));
}

/* --- the Secret Service --- */

static void
hear (HerdKekWatch *watch)
{
  watch->failures = 0;
  if (watch->look != NULL)
    watch->heard = TRUE;
  else
    arm_soon (watch);
}

static void
on_signal (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
           const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
           const char *member G_GNUC_UNUSED, GVariant *parameters G_GNUC_UNUSED, gpointer data)
{
  hear (data);
}

static void
unsubscribe (HerdKekWatch *watch)
{
  for (guint i = 0; watch->connection != NULL && i < G_N_ELEMENTS (signals); i++)
    g_dbus_connection_signal_unsubscribe (watch->connection, watch->subscriptions[i]);
  g_clear_object (&watch->connection);
}

static void
on_appeared (GDBusConnection *connection, const char *name G_GNUC_UNUSED,
             const char *owner G_GNUC_UNUSED, gpointer data)
{
  HerdKekWatch *watch = data;

  unsubscribe (watch);
  watch->connection = g_object_ref (connection);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++) {
    watch->subscriptions[i] = g_dbus_connection_signal_subscribe (
        connection, SERVICE, signals[i].interface, signals[i].member, NULL, signals[i].argument,
        G_DBUS_SIGNAL_FLAGS_NONE, on_signal, watch, NULL);
  }
  hear (watch);
}

static void
on_vanished (GDBusConnection *connection G_GNUC_UNUSED, const char *name G_GNUC_UNUSED,
             gpointer data)
{
  unsubscribe (data);
}

/* Anew each time it is not there: the bus itself may have come since. */
static void
listen (HerdKekWatch *watch)
{
  if (watch->keystore != HERD_KEYSTORE_SECRET_SERVICE || watch->connection != NULL)
    return;
  if (watch->name != 0)
    g_bus_unwatch_name (watch->name);
  watch->name = g_bus_watch_name (G_BUS_TYPE_SESSION, SERVICE, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                  on_appeared, on_vanished, watch, NULL);
}

static void
stop (HerdKekWatch *watch)
{
  herd_clock_disarm (watch->clock, watch->timer);
  watch->timer = 0;
  unsubscribe (watch);
  if (watch->name != 0)
    g_bus_unwatch_name (watch->name);
  watch->name = 0;
}

/* --- a look --- */

static void
arm_next (HerdKekWatch *watch)
{
  gint64 pause = PAUSE_FIRST << MIN (watch->failures, 10);

  if (watch->keystore != HERD_KEYSTORE_SECRET_SERVICE)
    return;
  watch->failures++;
  if (watch->heard)
    arm_soon (watch);
  else
    arm (watch, MIN (pause, PAUSE_LONGEST));
}

static void
on_loaded (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  Look *look = data;
  HerdKekWatch *watch = look->watch;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kek = herd_kek_load_finish (result, &error);

  look_free (look);
  if (watch == NULL)
    return;
  watch->look = NULL;
  if (kek != NULL && herd_state_unlock (watch->state, kek, &error))
    stop (watch);
  else
    arm_next (watch);
  watch->looked (error, watch->data);
}

static void
wake (gpointer data)
{
  HerdKekWatch *watch = data;
  Look *look = g_new0 (Look, 1);

  watch->timer = 0;
  watch->heard = FALSE;
  watch->began = herd_clock_get_monotonic (watch->clock);
  look->watch = watch;
  look->cancellable = g_cancellable_new ();
  watch->look = look;
  listen (watch);
  herd_kek_load_async (watch->keystore, watch->directory, !herd_state_has_kek (watch->state),
                       look->cancellable, on_loaded, look);
}

HerdKekWatch *
herd_kek_watch_new (HerdState *state, HerdKeystore keystore, const char *directory,
                    HerdClock *clock, HerdKekLooked looked, gpointer data)
{
  HerdKekWatch *watch = g_new0 (HerdKekWatch, 1);

  watch->state = state;
  watch->keystore = keystore;
  watch->directory = g_strdup (directory);
  watch->clock = herd_clock_ref (clock);
  watch->looked = looked;
  watch->data = data;
  arm (watch, 0);
  return watch;
}

void
herd_kek_watch_free (HerdKekWatch *watch)
{
  if (watch == NULL)
    return;
  stop (watch);
  if (watch->look != NULL) {
    Look *look = watch->look;

    look->watch = NULL;
    g_cancellable_cancel (look->cancellable);
  }
  herd_clock_unref (watch->clock);
  g_free (watch->directory);
  g_free (watch);
}
