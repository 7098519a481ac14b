// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adapter-unit against a double of systemd's manager on a private bus: what it is asked, and every way
 * in which a job can end. (The real systemd is for tests/integration.)
 */
#include <string.h>

#include "plugin/adapter.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

extern const HerdPlugin herd_plugin;

#define UNIT_PATH "/org/freedesktop/systemd1/unit/x_2eservice"
#define MANAGER_XML                                                                                \
  "<node><interface name='org.freedesktop.systemd1.Manager'>"                                      \
  "<method name='Subscribe'/>"                                                                     \
  "<method name='ReloadUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/>"         \
  "<arg type='o' direction='out'/></method>"                                                       \
  "<method name='RestartUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/>"        \
  "<arg type='o' direction='out'/></method>"                                                       \
  "<method name='ReloadOrRestartUnit'><arg type='s' direction='in'/><arg type='s' "                \
  "direction='in'/>"                                                                               \
  "<arg type='o' direction='out'/></method>"                                                       \
  "<method name='LoadUnit'><arg type='s' direction='in'/><arg type='o' direction='out'/>"          \
  "</method>"                                                                                      \
  "<method name='ResetFailedUnit'><arg type='s' direction='in'/></method>"                         \
  "</interface><interface name='org.freedesktop.systemd1.Unit'>"                                   \
  "<property name='ActiveState' type='s' access='read'/>"                                          \
  "<property name='InvocationID' type='ay' access='read'/>"                                        \
  "<property name='StartLimitIntervalUSec' type='t' access='read'/>"                               \
  "<property name='StartLimitBurst' type='u' access='read'/>"                                      \
  "</interface></node>"

/* The double; it lives in a thread of its own, as its caller blocks. */
typedef struct {
  GTestDBus *bus;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  GDBusConnection *connection;
  gboolean subscribed;
  char *asked;        /* "METHOD UNIT MODE" of the last one */
  const char *result; /* NULL: the job never ends */
  const char *error;  /* instead of a job: the D-Bus error's name */
  gboolean early;     /* the job's end comes before the reply */
  /* The unit: */
  const char *state;
  guint64 interval;
  guint burst;
  guint starts, resets;
  gboolean too_many; /* it is not started any more */
} Manager;

static void
emit_removed (Manager *manager, guint id, const char *job, const char *result)
{
  g_dbus_connection_emit_signal (manager->connection, NULL, "/org/freedesktop/systemd1",
                                 "org.freedesktop.systemd1.Manager", "JobRemoved",
                                 g_variant_new ("(uoss)", id, job, "x.service", result), NULL);
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  Manager *manager = data;
  const char *job = "/org/freedesktop/systemd1/job/17";
  const char *unit, *mode;

  if (g_str_equal (method, "Subscribe")) {
    manager->subscribed = TRUE;
    g_dbus_method_invocation_return_value (invocation, NULL);
    return;
  }
  if (g_str_equal (method, "LoadUnit")) {
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", UNIT_PATH));
    return;
  }
  if (g_str_equal (method, "ResetFailedUnit")) {
    manager->resets++;
    g_dbus_method_invocation_return_value (invocation, NULL);
    return;
  }
  if (!g_str_equal (method, "ReloadUnit") && !manager->too_many)
    manager->starts++;
  g_variant_get (parameters, "(&s&s)", &unit, &mode);
  g_free (manager->asked);
  manager->asked = g_strjoin (" ", method, unit, mode, NULL);
  if (manager->error != NULL) {
    g_dbus_method_invocation_return_dbus_error (invocation, manager->error, "systemd's words");
    return;
  }
  emit_removed (manager, 16, "/org/freedesktop/systemd1/job/16", "failed"); /* somebody else's */
  if (manager->early)
    emit_removed (manager, 17, job, manager->result);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", job));
  if (manager->result != NULL && !manager->early)
    emit_removed (manager, 17, job, manager->result);
}

static GVariant *
on_get (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *property, GError **error, gpointer data)
{
  const Manager *manager = data;

  if (g_str_equal (property, "ActiveState"))
    return g_variant_new_string (manager->state);
  if (g_str_equal (property, "InvocationID"))
    return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, &manager->starts, sizeof (guint), 1);
  if (g_str_equal (property, "StartLimitBurst"))
    return g_variant_new_uint32 (manager->burst);
  return g_variant_new_uint64 (manager->interval);
}

static const GDBusInterfaceVTable vtable = { on_call, on_get, NULL, { NULL } };

static gpointer
manager_thread (gpointer data)
{
  Manager *manager = data;
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (MANAGER_XML, NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (manager->context);
  manager->connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (manager->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (
      g_dbus_connection_register_object (manager->connection, "/org/freedesktop/systemd1",
                                         info->interfaces[0], &vtable, manager, NULL, &error),
      >, 0);
  g_assert_cmpuint (g_dbus_connection_register_object (manager->connection, UNIT_PATH,
                                                       info->interfaces[1], &vtable, manager, NULL,
                                                       &error),
                    >, 0);
  reply = g_dbus_connection_call_sync (manager->connection, "org.freedesktop.DBus", "/",
                                       "org.freedesktop.DBus", "RequestName",
                                       g_variant_new ("(su)", "org.freedesktop.systemd1", 0), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  g_main_loop_run (manager->loop);
  g_dbus_connection_close_sync (manager->connection, NULL, NULL);
  g_object_unref (manager->connection);
  g_main_context_pop_thread_default (manager->context);
  return NULL;
}

static void
setup (Manager *manager, gconstpointer data)
{
  manager->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (manager->bus);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address (manager->bus), TRUE);
  manager->context = g_main_context_new ();
  manager->loop = g_main_loop_new (manager->context, FALSE);
  manager->result = "done";
  manager->state = "active";
}

/* Once the test has said how the double is to behave. */
static void
start (Manager *manager)
{
  manager->thread = g_thread_new ("systemd double", manager_thread, manager);
  while (!g_main_loop_is_running (manager->loop))
    g_thread_yield ();
}

static gboolean
stop_loop (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static void
teardown (Manager *manager, gconstpointer data)
{
  if (manager->thread != NULL) {
    g_main_context_invoke (manager->context, stop_loop, manager->loop);
    g_thread_join (manager->thread);
  }
  g_test_dbus_down (manager->bus);
  g_object_unref (manager->bus);
  g_main_loop_unref (manager->loop);
  g_main_context_unref (manager->context);
  g_free (manager->asked);
}

static HerdAdapter *
make (const char *const *pairs, GError **error)
{
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (HerdAdapter) adapter = NULL;

  for (; *pairs != NULL; pairs += 2)
    g_hash_table_insert (settings, g_strdup (pairs[0]), g_strdup (pairs[1]));
  adapter = g_object_new (herd_plugin.get_type (), "target", "web", "settings", settings, NULL);
  return herd_adapter_check (adapter, error) ? g_steal_pointer (&adapter) : NULL;
}

static gboolean
activate (const char *action, const char *timeout, GError **error)
{
  const char *const pairs[] = {
    "unit", "nginx.service", "action", action, "timeout", timeout, NULL
  };
  g_autoptr (HerdAdapter) adapter = make (pairs, error);

  g_assert_nonnull (adapter);
  return herd_adapter_activate (adapter, NULL, error);
}

static void
test_actions (Manager *manager, gconstpointer data)
{
  static const char *const actions[][2] = {
    { "reload", "ReloadUnit nginx.service replace" },
    { "restart", "RestartUnit nginx.service replace" },
    { "reload-or-restart", "ReloadOrRestartUnit nginx.service replace" },
  };

  start (manager);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (activate (actions[i][0], "20s", &error));
    g_assert_no_error (error);
    g_assert_true (manager->subscribed);
    g_assert_cmpstr (manager->asked, ==, actions[i][1]);
  }
}

static void
test_early (Manager *manager, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  manager->early = TRUE;
  start (manager);
  g_assert_true (activate ("reload", "20s", &error));
  g_assert_no_error (error);
}

static void
test_results (Manager *manager, gconstpointer data)
{
  static const struct {
    const char *result;
    HerdErrorClass error_class;
  } results[] = {
    { "failed", HERD_ERROR_CLASS_PERMANENT },     { "timeout", HERD_ERROR_CLASS_PERMANENT },
    { "dependency", HERD_ERROR_CLASS_PERMANENT }, { "canceled", HERD_ERROR_CLASS_BACKOFF },
    { "invalid", HERD_ERROR_CLASS_BACKOFF },      { "skipped", HERD_ERROR_CLASS_PERMANENT },
  };

  start (manager);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autoptr (GError) error = NULL;

    manager->result = results[i].result;
    g_assert_false (activate ("reload", "20s", &error));
    g_assert_cmpint (herd_error_class (error), ==, results[i].error_class);
    g_assert_nonnull (strstr (error->message, "nginx.service"));
    g_assert_nonnull (strstr (error->message, "see: journalctl -u nginx.service"));
    if (!g_str_equal (results[i].result, "invalid"))
      g_assert_nonnull (strstr (error->message, results[i].result));
  }
}

static void
test_errors (Manager *manager, gconstpointer data)
{
  static const struct {
    const char *name;
    HerdError code;
    const char *words;
  } errors[] = {
    { "org.freedesktop.systemd1.NoSuchUnit", HERD_ERROR_NOT_FOUND, "target's unit" },
    { "org.freedesktop.systemd1.JobTypeNotApplicable", HERD_ERROR_INVALID_ARGUMENT, "restart" },
    { "org.freedesktop.DBus.Error.AccessDenied", HERD_ERROR_REFUSED, "systemd's words" },
  };

  start (manager);
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++) {
    g_autoptr (GError) error = NULL;

    manager->error = errors[i].name;
    g_assert_false (activate ("reload", "20s", &error));
    g_assert_error (error, HERD_ERROR, (int) errors[i].code);
    g_assert_nonnull (strstr (error->message, errors[i].words));
    g_assert_nonnull (strstr (error->message, "nginx.service"));
  }
}

/* --- starts --- */

static HerdAdapter *
make_action (const char *action)
{
  const char *const pairs[] = { "unit", "nginx.service", "action", action, NULL };
  g_autoptr (GError) error = NULL;
  HerdAdapter *adapter = make (pairs, &error);

  g_assert_no_error (error);
  return adapter;
}

static void
assert_starts (HerdAdapter *adapter)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (herd_adapter_activate (adapter, NULL, &error));
  g_assert_no_error (error);
}

/* A restart interrupts, and so does the start of what does not run; a reload does not. */
static void
test_dear (Manager *manager, gconstpointer data)
{
  static const struct {
    const char *action, *state;
    gboolean dear;
  } cases[] = {
    { "restart", "active", TRUE },
    { "restart", "inactive", TRUE },
    { "reload-or-restart", "active", FALSE },
    { "reload-or-restart", "failed", TRUE },
    { "reload", "active", FALSE },
  };

  start (manager);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (HerdAdapter) adapter = make_action (cases[i].action);

    manager->state = cases[i].state;
    assert_starts (adapter);
    g_assert_cmpint (herd_adapter_activation_is_dear (adapter), ==, cases[i].dear);
  }
}

/* systemd gave up before it ran anything: no word about the certificate. */
static void
test_not_tried (Manager *manager, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  manager->result = "failed";
  manager->state = "failed";
  start (manager);
  g_assert_false (activate ("restart", "20s", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_clear_error (&error);
  manager->too_many = TRUE;
  g_assert_false (activate ("restart", "20s", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_BUSY);
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  g_assert_nonnull (strstr (error->message, "nginx.service"));
}

/* One start less than the unit may have, then it waits for its turn; not where it goes back. */
static void
test_paced (Manager *manager, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = make_action ("restart");
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  gint64 begin = g_get_monotonic_time ();

  manager->burst = 3;
  manager->interval = G_USEC_PER_SEC / 4;
  start (manager);
  for (guint i = 0; i < 3; i++)
    assert_starts (adapter);
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, manager->interval);
  manager->interval = G_GUINT64_CONSTANT (3600) * G_USEC_PER_SEC;
  g_assert_false (herd_adapter_activate (adapter, NULL, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_BUSY);
  g_assert_cmpuint (manager->starts, ==, 3);
  g_assert_cmpuint (manager->resets, ==, 0);
  g_clear_error (&error);
  g_assert_true (herd_adapter_restore (adapter, bundles, &error));
  assert_starts (adapter);
  g_assert_cmpuint (manager->resets, ==, 1);
}

static void
test_timeout (Manager *manager, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  manager->result = NULL;
  start (manager);
  g_assert_false (activate ("reload", "1s", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "timeout"));
}

static void
test_absent (Manager *manager, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (activate ("reload", "20s", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_clear_error (&error);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", TRUE);
  g_assert_false (activate ("reload", "20s", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
}

static void
test_settings (void)
{
  static const char *const bad[][5] = {
    { "unit", "", NULL },
    { "unit", "nginx", NULL },
    { "unit", "../x.service", NULL },
    { "unit", "a b.service", NULL },
    { "unit", "nginx.service", "action", "stop", NULL },
    { "unit", "nginx.service", "timeout", "1d", NULL },
    { "action", "reload", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (make (bad[i], &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  }
}

/* Without a path, files are no business of this target. */
static void
test_no_files (void)
{
  const char *const pairs[] = { "unit", "nginx.service", NULL };
  const char *const names[] = { "www", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAdapter) adapter = make (pairs, &error);
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();

  g_assert_no_error (error);
  g_assert_true (herd_adapter_install (adapter, bundles, &error));
  g_assert_true (herd_adapter_restore (adapter, bundles, &error));
  g_assert_true (herd_adapter_withdraw (adapter, names, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/adapter-unit/" name, Manager, NULL, setup, function, teardown)
  ADD ("actions", test_actions);
  ADD ("early", test_early);
  ADD ("results", test_results);
  ADD ("errors", test_errors);
  ADD ("dear", test_dear);
  ADD ("not-tried", test_not_tried);
  ADD ("paced", test_paced);
  ADD ("timeout", test_timeout);
  ADD ("absent", test_absent);
  g_test_add_func ("/adapter-unit/settings", test_settings);
  g_test_add_func ("/adapter-unit/no-files", test_no_files);
  return g_test_run ();
}
