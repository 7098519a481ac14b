// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The keyring, and what the tests ask it for.
 */
#include "secret-fixture.h"

#include <glib/gstdio.h>
#include <libsecret/secret.h>
#include <signal.h>
#include <string.h>

#include "plugin/error.h"
#include "state-fixture.h"
#include "state/kek.h"

#define SERVICE "org.freedesktop.secrets"
#define PATH "/org/freedesktop/secrets"

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
wait_for_service (SecretFixture *fixture, gboolean there)
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
void
secret_fixture_start_keyring (SecretFixture *fixture, const char *password)
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

void
secret_fixture_stop_keyring (SecretFixture *fixture)
{
  if (fixture->keyring == NULL)
    return;
  g_subprocess_send_signal (fixture->keyring, SIGTERM);
  g_subprocess_wait (fixture->keyring, NULL, NULL);
  wait_for_service (fixture, FALSE);
  g_clear_object (&fixture->keyring);
}

static GVariant *
call (SecretFixture *fixture, const char *interface, const char *path, const char *method,
      GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *answer = g_dbus_connection_call_sync (fixture->connection, SERVICE, path, interface,
                                                  method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE,
                                                  -1, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

static char *
get_collection (SecretFixture *fixture)
{
  g_autoptr (GVariant) alias = call (fixture, "org.freedesktop.Secret.Service", PATH, "ReadAlias",
                                     g_variant_new ("(s)", "default"));
  char *collection;

  g_variant_get (alias, "(o)", &collection);
  g_assert_cmpstr (collection, !=, "/");
  return collection;
}

void
secret_fixture_lock_keyring (SecretFixture *fixture)
{
  g_autofree char *collection = get_collection (fixture);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariant) locked = NULL;

  answer = call (fixture, "org.freedesktop.Secret.Service", PATH, "Lock",
                 g_variant_new_parsed ("([%o],)", collection));
  locked = g_variant_get_child_value (answer, 0);
  g_assert_cmpuint (g_variant_n_children (locked), ==, 1);
}

/* As a prompt does, without anybody who types. */
void
secret_fixture_unlock_keyring (SecretFixture *fixture, const char *password)
{
  g_autofree char *collection = get_collection (fixture);
  g_autoptr (GVariant) session = call (fixture, "org.freedesktop.Secret.Service", PATH,
                                       "OpenSession", g_variant_new_parsed ("('plain', <''>)"));
  g_autoptr (GVariant) answer = NULL;
  const char *path;

  g_variant_get (session, "(v&o)", NULL, &path);
  answer = call (fixture, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", PATH,
                 "UnlockWithMasterPassword",
                 g_variant_new ("(o(o@ay@ays))", collection, path,
                                g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "", 0, 1),
                                g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, password,
                                                           strlen (password), 1),
                                "text/plain"));
}

/* How many items the service has for us, locked ones too. */
guint
secret_fixture_count_items (SecretFixture *fixture)
{
  g_autoptr (GVariant) answer = call (
      fixture, "org.freedesktop.Secret.Service", PATH, "SearchItems",
      g_variant_new_parsed ("({'xdg:schema': 'org.certherd.Kek', 'state-directory': %s},)",
                            fixture->directory));
  g_autoptr (GVariant) unlocked = g_variant_get_child_value (answer, 0);
  g_autoptr (GVariant) locked = g_variant_get_child_value (answer, 1);

  return (guint) (g_variant_n_children (unlocked) + g_variant_n_children (locked));
}

void
secret_fixture_store_item (SecretFixture *fixture, const char *label, const char *text)
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

void
secret_fixture_set_up (SecretFixture *fixture, gconstpointer data)
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

void
secret_fixture_tear_down (SecretFixture *fixture, gconstpointer data)
{
  secret_fixture_stop_keyring (fixture);
  g_clear_object (&fixture->connection);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
  remove_tree (fixture->home);
  g_free (fixture->home);
  g_free (fixture->directory);
}

/* --- loading --- */

void
secret_fixture_keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

GBytes *
secret_fixture_load (SecretFixture *fixture, gboolean create, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_kek_load_async (HERD_KEYSTORE_SECRET_SERVICE, fixture->directory, create, NULL,
                       secret_fixture_keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_kek_load_finish (result, error);
}

void
secret_fixture_assert_refused (SecretFixture *fixture, gboolean create, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (secret_fixture_load (fixture, create, &error));
  assert_words (error, code, words);
  g_assert_nonnull (strstr (error->message, fixture->directory));
}

GBytes *
secret_fixture_load_ok (SecretFixture *fixture, gboolean create)
{
  g_autoptr (GError) error = NULL;
  GBytes *kek = secret_fixture_load (fixture, create, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (kek), ==, 32);
  return kek;
}
