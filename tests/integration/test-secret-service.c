// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key-encryption key in a real gnome-keyring on a bus of its own: unlocked, locked, absent,
 * without a service, without a bus, and with a service that never answers. "Locked" comes from the
 * Secret Service's own Lock(), so it is not a matter of luck.
 *
 *   test-secret-service [--tap]      needs dbus-daemon and gnome-keyring-daemon
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libsecret/secret.h>
#include <signal.h>
#include <string.h>

#include "manual-clock.h"
#include "plugin/error.h"
#include "state-fixture.h"
#include "state/kek-private.h"
#include "util/secret.h"

#define SERVICE "org.freedesktop.secrets"
#define PATH "/org/freedesktop/secrets"

typedef struct {
  GTestDBus *bus;
  GDBusConnection *connection; /* our own, to look at the service */
  GSubprocess *keyring;
  char *home;
  char *directory; /* the state's */
} Fixture;

/* --- the bus and the keyring --- */

static void
name_changed (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
name_gone (GDBusConnection *connection, const char *name, gpointer data)
{
  *(gboolean *) data = FALSE;
}

/* Waits until the service is there, or gone. */
static void
wait_for_service (Fixture *fixture, gboolean there)
{
  gboolean is_there = !there;
  guint watch = g_bus_watch_name_on_connection (fixture->connection, SERVICE,
                                                G_BUS_NAME_WATCHER_FLAGS_NONE, name_changed,
                                                name_gone, &is_there, NULL);

  while (is_there != there)
    g_main_context_iteration (NULL, TRUE);
  g_bus_unwatch_name (watch);
}

/* With PASSWORD: the login keyring is there (made if it is missing) and open. */
static void
start_keyring (Fixture *fixture, const char *password)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE
      | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) input = bytes (password != NULL ? password : "");

  g_subprocess_launcher_setenv (launcher, "HOME", fixture->home, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", fixture->home, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_RUNTIME_DIR", fixture->home, TRUE);
  fixture->keyring = g_subprocess_launcher_spawn (launcher, &error, "gnome-keyring-daemon",
                                                  "--foreground", "--components=secrets",
                                                  password != NULL ? "--unlock" : NULL, NULL);
  g_assert_no_error (error);
  g_output_stream_write_all (g_subprocess_get_stdin_pipe (fixture->keyring),
                             g_bytes_get_data (input, NULL), g_bytes_get_size (input), NULL, NULL,
                             &error);
  g_assert_no_error (error);
  g_output_stream_close (g_subprocess_get_stdin_pipe (fixture->keyring), NULL, NULL);
  wait_for_service (fixture, TRUE);
}

static void
stop_keyring (Fixture *fixture)
{
  if (fixture->keyring == NULL)
    return;
  g_subprocess_send_signal (fixture->keyring, SIGTERM);
  g_subprocess_wait (fixture->keyring, NULL, NULL);
  wait_for_service (fixture, FALSE);
  g_clear_object (&fixture->keyring);
}

static GVariant *
call (Fixture *fixture, const char *interface, const char *path, const char *method,
      GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *answer = g_dbus_connection_call_sync (fixture->connection, SERVICE, path, interface,
                                                  method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE,
                                                  -1, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

static void
lock_keyring (Fixture *fixture)
{
  g_autoptr (GVariant) alias = call (fixture, "org.freedesktop.Secret.Service", PATH, "ReadAlias",
                                     g_variant_new ("(s)", "default"));
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariant) locked = NULL;
  const char *collection;

  g_variant_get (alias, "(&o)", &collection);
  g_assert_cmpstr (collection, !=, "/");
  answer = call (fixture, "org.freedesktop.Secret.Service", PATH, "Lock",
                 g_variant_new_parsed ("([%o],)", collection));
  locked = g_variant_get_child_value (answer, 0);
  g_assert_cmpuint (g_variant_n_children (locked), ==, 1);
}

/* How many items the service has for us, locked ones too. */
static guint
count_items (Fixture *fixture)
{
  g_autoptr (GVariant) answer = call (
      fixture, "org.freedesktop.Secret.Service", PATH, "SearchItems",
      g_variant_new_parsed ("({'xdg:schema': 'org.certherd.Kek', 'state-directory': %s},)",
                            fixture->directory));
  g_autoptr (GVariant) unlocked = g_variant_get_child_value (answer, 0);
  g_autoptr (GVariant) locked = g_variant_get_child_value (answer, 1);

  return (guint) (g_variant_n_children (unlocked) + g_variant_n_children (locked));
}

static void
store_item (Fixture *fixture, const char *label, const char *text)
{
  static const SecretSchema schema = { "org.certherd.Kek",
                                       SECRET_SCHEMA_NONE,
                                       { { "state-directory", SECRET_SCHEMA_ATTRIBUTE_STRING } } };
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretService) service = secret_service_open_sync (
      SECRET_TYPE_SERVICE, NULL, SECRET_SERVICE_OPEN_SESSION, NULL, &error);
  g_autoptr (GHashTable)
      attributes = secret_attributes_build (&schema, "state-directory", fixture->directory, NULL);
  g_autoptr (SecretCollection) collection = secret_collection_for_alias_sync (
      service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE, NULL, &error);
  SecretValue *value = secret_value_new (text, -1, "text/plain");
  g_autoptr (SecretItem) item = secret_item_create_sync (
      collection, &schema, attributes, label, value, SECRET_ITEM_CREATE_NONE, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (item);
  secret_value_unref (value);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *made = g_dir_make_tmp ("certherd-secret-XXXXXX", NULL);

  fixture->home = g_steal_pointer (&made);
  fixture->directory = g_build_filename (fixture->home, "state", NULL);
  g_assert_cmpint (g_mkdir (fixture->directory, 0700), ==, 0);
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (fixture->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  stop_keyring (fixture);
  g_clear_object (&fixture->connection);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
  remove_tree (fixture->home);
  g_free (fixture->home);
  g_free (fixture->directory);
}

/* --- loading --- */

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GBytes *
load (Fixture *fixture, gboolean create, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_kek_load_async (HERD_KEYSTORE_SECRET_SERVICE, fixture->directory, create, NULL, keep_result,
                       &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_kek_load_finish (result, error);
}

static void
assert_refused (Fixture *fixture, gboolean create, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (load (fixture, create, &error));
  assert_words (error, code, words);
  g_assert_nonnull (strstr (error->message, fixture->directory));
}

static GBytes *
load_ok (Fixture *fixture, gboolean create)
{
  g_autoptr (GError) error = NULL;
  GBytes *kek = load (fixture, create, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (kek), ==, 32);
  return kek;
}

/* --- tests --- */

static void
test_unlocked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) made = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GBytes) later = NULL;

  start_keyring (fixture, "password");
  assert_refused (fixture, FALSE, HERD_ERROR_NOT_FOUND, "there is none");
  g_assert_cmpuint (count_items (fixture), ==, 0);
  made = load_ok (fixture, TRUE);
  g_assert_cmpuint (count_items (fixture), ==, 1);
  again = load_ok (fixture, TRUE);
  g_assert_true (herd_secret_equal (made, again));
  g_assert_cmpuint (count_items (fixture), ==, 1);

  /* The service remembers it. */
  stop_keyring (fixture);
  start_keyring (fixture, "password");
  later = load_ok (fixture, FALSE);
  g_assert_true (herd_secret_equal (made, later));
}

static void
test_locked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) made = NULL;
  g_autoptr (GBytes) again = NULL;

  start_keyring (fixture, "password");
  made = load_ok (fixture, TRUE);
  lock_keyring (fixture);
  assert_refused (fixture, FALSE, HERD_ERROR_LOCKED, "unlock");
  assert_refused (fixture, TRUE, HERD_ERROR_LOCKED, "unlock");
  g_assert_cmpuint (count_items (fixture), ==, 1);

  stop_keyring (fixture);
  start_keyring (fixture, "password");
  again = load_ok (fixture, TRUE);
  g_assert_true (herd_secret_equal (made, again));
  g_assert_cmpuint (count_items (fixture), ==, 1);
}

/* An empty, locked keyring might hide anything. */
static void
test_locked_empty (Fixture *fixture, gconstpointer data)
{
  start_keyring (fixture, "password");
  lock_keyring (fixture);
  assert_refused (fixture, FALSE, HERD_ERROR_LOCKED, "unlock");
  assert_refused (fixture, TRUE, HERD_ERROR_LOCKED, "unlock");
  g_assert_cmpuint (count_items (fixture), ==, 0);
}

static void
test_no_keyring (Fixture *fixture, gconstpointer data)
{
  start_keyring (fixture, NULL);
  assert_refused (fixture, FALSE, HERD_ERROR_NOT_FOUND, "there is none");
  assert_refused (fixture, TRUE, HERD_ERROR_UNREACHABLE, "no default keyring");
  g_assert_cmpuint (count_items (fixture), ==, 0);
}

static void
test_foreign_items (Fixture *fixture, gconstpointer data)
{
  start_keyring (fixture, "password");
  store_item (fixture, "one", "too short");
  for (guint create = 0; create < 2; create++) {
    g_autoptr (GError) cause = NULL;

    g_assert_null (load (fixture, create != 0, &cause));
    assert_words (cause, HERD_ERROR_REFUSED, "9 bytes");
  }
  store_item (fixture, "two", "another one");
  assert_refused (fixture, FALSE, HERD_ERROR_REFUSED, "several");
  assert_refused (fixture, TRUE, HERD_ERROR_REFUSED, "several");
  g_assert_cmpuint (count_items (fixture), ==, 2);
}

/* The variable that lets libsecret's simple calls hang. */
static void
test_backend (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) made = NULL;

  g_setenv ("SECRET_BACKEND", "nonsense", TRUE);
  start_keyring (fixture, "password");
  made = load_ok (fixture, TRUE);
  g_unsetenv ("SECRET_BACKEND");
}

static void
test_no_service (Fixture *fixture, gconstpointer data)
{
  assert_refused (fixture, FALSE, HERD_ERROR_UNREACHABLE, "[agent]");
  assert_refused (fixture, TRUE, HERD_ERROR_UNREACHABLE, "[agent]");
}

static void
test_no_bus (Fixture *fixture, gconstpointer data)
{
  g_autofree char *address = g_strdup (g_getenv ("DBUS_SESSION_BUS_ADDRESS"));

  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus", TRUE);
  assert_refused (fixture, FALSE, HERD_ERROR_UNREACHABLE, "[agent]");
  assert_refused (fixture, TRUE, HERD_ERROR_UNREACHABLE, "[agent]");
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
}

/* --- a service that has the name and never answers --- */

typedef struct {
  GCancellable *cancellable;
  HerdClock *clock;
  gint asked; /* atomic: the bus's thread counts */
} Silence;

static GDBusMessage *
swallow (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  Silence *silence = data;

  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  g_object_unref (message);
  g_atomic_int_inc (&silence->asked);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
ask_silence (Fixture *fixture, Silence *silence, void (*act) (Silence *silence), int code)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task;
  guint filter;

  silence->cancellable = g_cancellable_new ();
  silence->clock = herd_manual_clock_new ();
  filter = g_dbus_connection_add_filter (fixture->connection, swallow, silence, NULL);
  answer = g_dbus_connection_call_sync (fixture->connection, "org.freedesktop.DBus",
                                        "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                        "RequestName", g_variant_new ("(su)", SERVICE, 0u), NULL,
                                        G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  task = g_task_new (NULL, silence->cancellable, keep_result, &result);
  herd_kek_load_secret_service (fixture->directory, TRUE, silence->clock, task);
  while (g_atomic_int_get (&silence->asked) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (result);
  act (silence);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (herd_kek_load_finish (result, &error));
  g_assert_error (error, HERD_ERROR, code);
  g_dbus_connection_remove_filter (fixture->connection, filter);
  g_object_unref (silence->cancellable);
  herd_clock_unref (silence->clock);
}

static void
cancel (Silence *silence)
{
  g_cancellable_cancel (silence->cancellable);
}

static void
wait_long (Silence *silence)
{
  herd_manual_clock_advance (silence->clock, 40 * HERD_SECOND);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  Silence silence = { 0 };

  ask_silence (fixture, &silence, cancel, HERD_ERROR_CANCELLED);
}

static void
test_timeout (Fixture *fixture, gconstpointer data)
{
  Silence silence = { 0 };

  ask_silence (fixture, &silence, wait_long, HERD_ERROR_UNREACHABLE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/secret-service/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("unlocked", test_unlocked);
  ADD ("locked", test_locked);
  ADD ("locked/empty", test_locked_empty);
  ADD ("no-keyring", test_no_keyring);
  ADD ("foreign-items", test_foreign_items);
  ADD ("backend", test_backend);
  ADD ("no-service", test_no_service);
  ADD ("no-bus", test_no_bus);
  ADD ("silent/cancel", test_cancel);
  ADD ("silent/timeout", test_timeout);
  return g_test_run ();
}
