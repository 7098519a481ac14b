// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries as units of systemd's (org.freedesktop.systemd1(5)): connect → subscribe → start → wait →
 * end. Each run has a connection of its own, so there is nothing to share, and none to keep alive
 * between deliveries, which are rare.
 */
#include "core/launcher-private.h"
#include "plugin/error.h"
#include "util/steps.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"

typedef struct {
  HerdLauncher launcher;
  GBusType type;
  HerdClock *clock;
} Systemd;

/* One run. */
typedef struct {
  GTask *task; /* the caller's */
  GBusType type;
  HerdRun *run;
  char *unit;
  GDBusConnection *connection;
  guint removed;
  gulong closed, cancelled;
  GHashTable *ended; /* job to result; ours may end before we are told which it is */
  char *job;
  GTask *waiting; /* in the step "wait" */
} Start;

static void
start_free (Start *start)
{
  if (start->removed != 0)
    g_dbus_connection_signal_unsubscribe (start->connection, start->removed);
  if (start->connection != NULL) {
    g_clear_signal_handler (&start->closed, start->connection);
    g_dbus_connection_close (start->connection, NULL, NULL, NULL);
  }
  if (start->cancelled != 0)
    g_clear_signal_handler (&start->cancelled, g_task_get_cancellable (start->task));
  g_clear_object (&start->connection);
  g_clear_object (&start->task);
  g_hash_table_unref (start->ended);
  herd_run_unref (start->run);
  g_free (start->unit);
  g_free (start->job);
  g_free (start);
}

static void
stop_waiting (Start *start)
{
  g_autoptr (GTask) waiting = g_steal_pointer (&start->waiting);

  if (waiting != NULL)
    g_task_return_boolean (waiting, TRUE);
}

/* --- connect --- */

static gboolean
enter_connect (HerdRun *run, gpointer operation, GError **error)
{
  Start *start = operation;
  g_autofree char *address = g_dbus_address_get_for_bus_sync (
      start->type, herd_run_get_cancellable (run), error);

  if (address == NULL) {
    herd_error_translate (error, HERD_ERROR_UNREACHABLE, "unit %s: there is no bus to systemd",
                          start->unit);
    return FALSE;
  }
  g_dbus_connection_new_for_address (address,
                                     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                         | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                     NULL, herd_run_get_cancellable (run), herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

static void
on_closed (GDBusConnection *connection G_GNUC_UNUSED, gboolean remote_peer_vanished G_GNUC_UNUSED,
           GError *error G_GNUC_UNUSED, gpointer data)
{
  stop_waiting (data);
}

static void
on_job_removed (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
                const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
                const char *member G_GNUC_UNUSED, GVariant *parameters, gpointer data)
{
  Start *start = data;
  const char *job, *unit, *result;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(uoss)")))
    return;
  g_variant_get (parameters, "(u&o&s&s)", NULL, &job, &unit, &result);
  if (!g_str_equal (unit, start->unit))
    return;
  g_hash_table_insert (start->ended, g_strdup (job), g_strdup (result));
  if (g_strcmp0 (job, start->job) == 0)
    stop_waiting (start);
}

static gboolean
leave_connect (HerdRun *run, gpointer operation, GError **error)
{
  Start *start = operation;

  start->connection = g_dbus_connection_new_for_address_finish (herd_run_get_result (run, 0),
                                                                error);
  if (start->connection == NULL) {
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "unit %s: the bus to systemd does not answer; is dbus running?",
                          start->unit);
    return FALSE;
  }
  g_dbus_connection_set_exit_on_close (start->connection, FALSE);
  start->closed = g_signal_connect (start->connection, "closed", G_CALLBACK (on_closed), start);
  /* The bus knows by whom the name is owned; nobody else may send as its owner. */
  start->removed = g_dbus_connection_signal_subscribe (
      start->connection, SYSTEMD, SYSTEMD_MANAGER, "JobRemoved", SYSTEMD_PATH, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, start, NULL);
  return TRUE;
}

/* --- subscribe --- */

static void
call_systemd (HerdRun *run, Start *start, const char *method, GVariant *parameters,
              const char *reply)
{
  g_dbus_connection_call (start->connection, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, method,
                          parameters, G_VARIANT_TYPE (reply), G_DBUS_CALL_FLAGS_NONE, -1,
                          herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
}

/* systemd sends the ends of jobs only to those who asked for them. */
static gboolean
enter_subscribe (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  call_systemd (run, operation, "Subscribe", NULL, "()");
  return TRUE;
}

static gboolean
leave_subscribe (HerdRun *run, gpointer operation, GError **error)
{
  Start *start = operation;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (start->connection,
                                                              herd_run_get_result (run, 0), error);

  if (reply != NULL)
    return TRUE;
  if (error != NULL)
    g_dbus_error_strip_remote_error (*error);
  herd_error_translate (error, HERD_ERROR_UNREACHABLE, "unit %s: systemd does not answer",
                        start->unit);
  return FALSE;
}

/* --- start --- */

static gboolean
enter_start (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Start *start = operation;

  call_systemd (run, start, "StartUnit", g_variant_new ("(ss)", start->unit, "replace"), "(o)");
  return TRUE;
}

/* What systemd answered instead of a job. */
static void
explain_refusal (Start *start, GError **error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (*error);

  g_dbus_error_strip_remote_error (*error);
  if (g_strcmp0 (name, SYSTEMD ".NoSuchUnit") == 0)
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "unit %s: there is none of that name; install certherd's units, then "
                          "“systemctl daemon-reload”",
                          start->unit);
  else if (g_strcmp0 (name, "org.freedesktop.DBus.Error.AccessDenied") == 0
           || g_strcmp0 (name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") == 0)
    herd_error_translate (error, HERD_ERROR_NOT_AUTHORIZED,
                          "unit %s: polkit does not let the agent start it; install certherd's "
                          "rule 10-certherd-deliver.rules",
                          start->unit);
  else
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "unit %s cannot be started; see: "
                          "journalctl -u %s",
                          start->unit, start->unit);
}

static gboolean
leave_start (HerdRun *run, gpointer operation, GError **error)
{
  Start *start = operation;
  GError *refusal = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      start->connection, herd_run_get_result (run, 0), &refusal);

  if (reply == NULL) {
    explain_refusal (start, &refusal);
    g_propagate_error (error, refusal);
    return FALSE;
  }
  g_variant_get (reply, "(o)", &start->job);
  return TRUE;
}

/* --- wait --- */

static gboolean
enter_wait (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Start *start = operation;

  if (g_hash_table_contains (start->ended, start->job))
    return TRUE;
  start->waiting = g_task_new (NULL, NULL, herd_run_ready, herd_run_slot (run));
  if (g_dbus_connection_is_closed (start->connection))
    stop_waiting (start);
  return TRUE;
}

/* The words are those of JobRemoved, org.freedesktop.systemd1(5). */
static gboolean
leave_wait (HerdRun *run G_GNUC_UNUSED, gpointer operation, GError **error)
{
  Start *start = operation;
  const char *result = g_hash_table_lookup (start->ended, start->job);

  if (g_strcmp0 (result, "done") == 0)
    return TRUE;
  if (result != NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                 "unit %s: starting it ended as “%s”; see: journalctl -u %s", start->unit, result,
                 start->unit);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "unit %s: the connection to systemd ended; see: journalctl -u %s", start->unit,
                 start->unit);
  return FALSE;
}

static const HerdStep steps[] = {
  { "connect", enter_connect, leave_connect, HERD_COMMIT_NONE },
  { "subscribe", enter_subscribe, leave_subscribe, HERD_COMMIT_NONE },
  { "start", enter_start, leave_start, HERD_COMMIT_NONE },
  { "wait", enter_wait, leave_wait, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error)
{
  Start *start = operation;
  g_autoptr (GTask) task = g_object_ref (start->task);
  g_autoptr (GError) failure = error != NULL ? g_error_copy (error) : NULL;

  start_free (start);
  if (failure != NULL)
    g_task_return_error (task, g_steal_pointer (&failure));
  else
    g_task_return_boolean (task, TRUE);
}

static const HerdRunOps operations = { .finished = finished };

static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  Start *start = data;

  herd_run_cancel (start->run);
  stop_waiting (start);
}

static void
run_unit (HerdLauncher *launcher, const char *target, GTask *task)
{
  Systemd *systemd = (Systemd *) launcher;
  GCancellable *cancellable = g_task_get_cancellable (task);
  Start *start = g_new0 (Start, 1);

  start->task = g_object_ref (task);
  start->type = systemd->type;
  /* A target's name has no character that systemd would want escaped (herd_name_check). */
  start->unit = g_strdup_printf ("certherd-deliver@%s.service", target);
  start->ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  start->run = herd_run_new ("launch", steps, G_N_ELEMENTS (steps), &operations, start,
                             systemd->clock, NULL);
  if (cancellable != NULL)
    start->cancelled = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                         start);
  herd_run_start (start->run, NULL);
}

static void
free_systemd (HerdLauncher *launcher)
{
  Systemd *systemd = (Systemd *) launcher;

  herd_clock_unref (systemd->clock);
  g_free (systemd);
}

HerdLauncher *
herd_launcher_new_systemd (GBusType type, HerdClock *clock)
{
  Systemd *systemd = g_new0 (Systemd, 1);

  systemd->launcher.run = run_unit;
  systemd->launcher.free = free_systemd;
  systemd->type = type;
  systemd->clock = herd_clock_ref (clock);
  return &systemd->launcher;
}
