// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starting deliveries: as units, of a double of systemd's manager on a private bus, in every way that a
 * job can end; as children. (The real systemd is for tests/integration.)
 */
#include "core/launcher.h"

#include <string.h>

#include "plugin/error.h"

#define MANAGER_XML                                                                                \
  "<node><interface name='org.freedesktop.systemd1.Manager'>"                                      \
  "<method name='Subscribe'/>"                                                                     \
  "<method name='StartUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/>"          \
  "<arg type='o' direction='out'/></method>"                                                       \
  "</interface></node>"
#define PATH "/org/freedesktop/systemd1"
#define INTERFACE "org.freedesktop.systemd1.Manager"
#define JOB PATH "/job/17"

typedef enum { REPLY_FIRST, END_FIRST, NO_END, VANISH } Order;

typedef struct {
  GTestDBus *bus;
  GDBusConnection *connection;
  HerdClock *clock;
  gboolean subscribed;
  char *asked;
  const char *result; /* of the job */
  const char *error;  /* instead of a job: the D-Bus error's name */
  Order order;
  GCancellable *cancellable; /* NO_END: cancelled when the job has begun */
  GAsyncResult *answer;
} Fixture;

static void
emit_removed (Fixture *fixture, const char *job, const char *unit, const char *result)
{
  g_dbus_connection_emit_signal (fixture->connection, NULL, PATH, INTERFACE, "JobRemoved",
                                 g_variant_new ("(uoss)", 17, job, unit, result), NULL);
}

static gboolean
cancel (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
begin_job (Fixture *fixture, const char *unit, GDBusMethodInvocation *invocation)
{
  emit_removed (fixture, PATH "/job/16", unit, "failed"); /* somebody else's */
  if (fixture->order == END_FIRST)
    emit_removed (fixture, JOB, unit, fixture->result);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", JOB));
  switch (fixture->order) {
  case REPLY_FIRST:
    emit_removed (fixture, JOB, unit, fixture->result);
    break;
  case NO_END:
    g_idle_add (cancel, fixture->cancellable);
    break;
  case VANISH:
    g_dbus_connection_flush_sync (fixture->connection, NULL, NULL);
    g_test_dbus_stop (fixture->bus);
    break;
  case END_FIRST:
    break;
  }
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  Fixture *fixture = data;
  const char *unit, *mode;

  if (g_str_equal (method, "Subscribe")) {
    fixture->subscribed = TRUE;
    g_dbus_method_invocation_return_value (invocation, NULL);
    return;
  }
  g_variant_get (parameters, "(&s&s)", &unit, &mode);
  fixture->asked = g_strjoin (" ", unit, mode, NULL);
  if (fixture->error != NULL)
    g_dbus_method_invocation_return_dbus_error (invocation, fixture->error, "systemd's words");
  else
    begin_job (fixture, unit, invocation);
}

static const GDBusInterfaceVTable vtable = { on_call, NULL, NULL, { NULL } };

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->clock = herd_clock_new_system ();
  fixture->result = "done";
}

/* The double has the bus from here on. */
static void
start_manager (Fixture *fixture)
{
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (MANAGER_XML, NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  fixture->connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (fixture->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_dbus_connection_register_object (fixture->connection, PATH,
                                                       info->interfaces[0], &vtable, fixture, NULL,
                                                       &error),
                    >, 0);
  reply = g_dbus_connection_call_sync (fixture->connection, "org.freedesktop.DBus", "/",
                                       "org.freedesktop.DBus", "RequestName",
                                       g_variant_new ("(su)", "org.freedesktop.systemd1", 0), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->connection);
  g_clear_object (&fixture->cancellable);
  g_clear_object (&fixture->answer);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
  herd_clock_unref (fixture->clock);
  g_free (fixture->asked);
}

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *fixture = data;

  g_assert_null (fixture->answer);
  fixture->answer = g_object_ref (result);
}

static gboolean
run (Fixture *fixture, HerdLauncher *launcher, const char *target, GError **error)
{
  herd_launcher_run_async (launcher, target, fixture->cancellable, answered, fixture);
  while (fixture->answer == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_launcher_run_finish (launcher, fixture->answer, error);
}

static gboolean
run_unit (Fixture *fixture, GError **error)
{
  g_autoptr (HerdLauncher)
      launcher = herd_launcher_new_systemd (G_BUS_TYPE_SESSION, fixture->clock);

  return run (fixture, launcher, "web-1.example", error);
}

static void
test_done (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->order = (Order) GPOINTER_TO_INT (data);
  start_manager (fixture);
  g_assert_true (run_unit (fixture, &error));
  g_assert_no_error (error);
  g_assert_true (fixture->subscribed);
  g_assert_cmpstr (fixture->asked, ==, "certherd-deliver@web-1.example.service replace");
}

static void
expect (const GError *error, HerdError code, const char *words)
{
  g_assert_error (error, HERD_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, "unit certherd-deliver@web-1.example.service"));
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” is not in: %s", words, error->message);
}

static void
test_results (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->result = data;
  start_manager (fixture);
  g_assert_false (run_unit (fixture, &error));
  expect (error, HERD_ERROR_FAILED, data);
  expect (error, HERD_ERROR_FAILED, "journalctl -u certherd-deliver@web-1.example.service");
}

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *name;
    HerdError code;
    const char *words;
  } refusals[] = {
    { "org.freedesktop.systemd1.NoSuchUnit", HERD_ERROR_UNREACHABLE, "install certherd's units" },
    { "org.freedesktop.DBus.Error.AccessDenied", HERD_ERROR_NOT_AUTHORIZED, "polkit" },
    { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", HERD_ERROR_NOT_AUTHORIZED,
      "10-certherd-deliver.rules" },
    { "org.freedesktop.systemd1.UnitMasked", HERD_ERROR_UNREACHABLE, "systemd's words" },
  };

  start_manager (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autoptr (GError) error = NULL;

    fixture->error = refusals[i].name;
    g_assert_false (run_unit (fixture, &error));
    expect (error, refusals[i].code, refusals[i].words);
    g_clear_object (&fixture->answer);
    g_clear_pointer (&fixture->asked, g_free);
  }
}

static void
test_nobody (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (run_unit (fixture, &error));
  expect (error, HERD_ERROR_UNREACHABLE, "systemd does not answer");
}

static void
test_no_bus (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_test_dbus_stop (fixture->bus);
  g_assert_false (run_unit (fixture, &error));
  expect (error, HERD_ERROR_UNREACHABLE, "bus to systemd");
}

static void
test_vanish (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->order = VANISH;
  start_manager (fixture);
  g_dbus_connection_set_exit_on_close (fixture->connection, FALSE);
  g_assert_false (run_unit (fixture, &error));
  expect (error, HERD_ERROR_UNREACHABLE, "");
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->order = NO_END;
  fixture->cancellable = g_cancellable_new ();
  start_manager (fixture);
  g_assert_false (run_unit (fixture, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_children (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *script;
    const char *words; /* NULL: all is well */
  } ends[] = {
    { "test \"$1\" = web", NULL },
    { "exit 75", NULL },
    { "exit 1", "certherd-deliver web ended with status 1" },
    { "kill -9 $$", "signal 9" },
  };
  g_autoptr (GError) missing = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    const char *arguments[] = { "-c", ends[i].script, "sh", NULL };
    g_autoptr (HerdLauncher) launcher = herd_launcher_new_children ("/bin/sh", arguments);
    g_autoptr (GError) error = NULL;
    gboolean ok = run (fixture, launcher, "web", &error);

    g_assert_true (ok == (ends[i].words == NULL));
    if (!ok)
      g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
    g_assert_true (ok || strstr (error->message, ends[i].words) != NULL);
    g_clear_object (&fixture->answer);
  }
  {
    const char *arguments[] = { NULL };
    g_autoptr (HerdLauncher) launcher = herd_launcher_new_children ("/nonexistent/x", arguments);

    g_assert_false (run (fixture, launcher, "web", &missing));
    g_assert_error (missing, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  }
}

int
main (int argc, char **argv)
{
  static const char *const results[] = { "failed", "canceled", "timeout", "dependency", "skipped" };

  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, function)                                                                  \
  g_test_add ("/launcher/" path, Fixture, data, setup, function, teardown)
  ADD ("done", GINT_TO_POINTER (REPLY_FIRST), test_done);
  ADD ("done-early", GINT_TO_POINTER (END_FIRST), test_done);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autofree char *path = g_strconcat ("/launcher/result-", results[i], NULL);

    g_test_add (path, Fixture, results[i], setup, test_results, teardown);
  }
  ADD ("refusals", NULL, test_refusals);
  ADD ("nobody", NULL, test_nobody);
  ADD ("no-bus", NULL, test_no_bus);
  ADD ("vanish", NULL, test_vanish);
  ADD ("cancel", NULL, test_cancel);
  ADD ("children", NULL, test_children);
#undef ADD
  return g_test_run ();
}
